"""The times in TensorBoard's log of a run, read without TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

from keras_gan_zoo.core.reading import is_file
from keras_gan_zoo.core.records import next_record


def training_minutes(run: Path) -> float | None:
    """Minutes of training, from the start of each `fit` to its last epoch, over all resumed parts; None if unknown."""
    seconds = 0.0
    for file in sorted((run / "tensorboard" / "train").glob("events.out.tfevents.*")):
        times = list(_times_in(file)) if is_file(file) else []
        seconds += max(times, default=0.0) - min(times, default=0.0)
    return seconds / 60 or None


def _times_in(file: Path) -> Iterator[float]:
    """The times of the events, up to where the file ends or is damaged: its run may be writing to it."""
    from tensorboard.compat.proto.event_pb2 import Event  # not at start-up

    with file.open("rb") as opened:
        try:
            while True:
                yield Event.FromString(next_record(opened)).wall_time
        except Exception:  # by the end of the file, or by protobuf, whose kinds of error are not public
            return
