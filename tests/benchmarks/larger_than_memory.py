"""Sets that do not fit into memory, against the same in memory: what reading costs, and whether the order is exact.

    python -m tests.benchmarks.larger_than_memory                        200,000 pictures; leave the machine alone
    python -m tests.benchmarks.larger_than_memory --pictures 2000 --steps 4 --rounds 2           a quick look

Makes a folder of PNG files and TFRecord files of the same pictures, in `--folder` if they are to be kept. For each, a
DCGAN 32x32x3 is trained. The columns: `start`, the seconds until the first batch, once for each `fit`; from then on,
`alone`, the core time of the input as a share of the step's, as in `pipeline`; `step`, the time of a step with the
input by that of one on a batch in memory, which is 1 if reading is hidden behind the step; `images/s` of the input
alone; `peak`, the most memory (VmHWM, so Linux) of a fresh process that loads the set and trains, and what it is more
than for a tenth of the set, in all and for each picture. Then two runs from each source must have the same order, as
from memory, and a stream that begins in the middle must go on exactly.
"""

import argparse
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

import keras_gan_zoo as kgz
from tests import records
from tests.benchmarks.cases import DCGAN_32
from tests.benchmarks.measuring import CLOCK, CORES, in_turn
from tests.benchmarks.memory import megabytes

PARTS = 10  # sub-folders, which are classes, and TFRecord files; one of them is the set of a tenth
SEED = 0
SOURCES = {"folder of PNG files": "pictures", "TFRecord files": "shards"}
MADE = "made.json"
STEPS_OF_A_TURN = 32  # of which at most four may be read ahead


def make(folder: Path, pictures: int) -> None:
    """Writes the same pictures as PNG files and as TFRecord files, unless they are there."""
    made = {"pictures": pictures, "seed": SEED}
    if (folder / MADE).exists():
        present = json.loads((folder / MADE).read_text(encoding="utf-8"))
        if present != made:
            raise SystemExit(f"Expected no other data in {folder}. Received: {present}. Choose another --folder.")
        return
    (folder / "shards").mkdir(parents=True)
    for part in range(PARTS):
        here = folder / "pictures" / str(part)
        here.mkdir(parents=True)
        numbers = range(part * pictures // PARTS, (part + 1) * pictures // PARTS)
        for number in numbers:
            (here / f"{number:08}.png").write_bytes(picture(number))
        examples = ({"image": picture(number), "label": part} for number in numbers)
        records.write(folder / "shards" / f"all.tfrecord-{part:05}-of-{PARTS:05}", examples)
    (folder / MADE).write_text(json.dumps(made), encoding="utf-8")


def picture(number: int) -> bytes:
    """A PNG file of 32x32 pixels, about as large as one of a photograph: random colours with smooth transitions."""
    colours = np.random.default_rng((SEED, number)).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).resize((32, 32), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def load(folder: Path, source: str, is_tenth: bool = False, **options) -> kgz.data.Dataset:
    """A set, all of it or a tenth."""
    part = {"pictures": "pictures/0", "shards": f"shards/all.tfrecord-00000-of-{PARTS:05}"}
    return kgz.data.load(folder / (part[source] if is_tenth else source), **options)


def numbers_of(dataset: kgz.data.Dataset, start: int, steps: int) -> list[int]:
    """A checksum of each batch from a step on."""
    batches = dataset.batches(DCGAN_32.batch_size, SEED, start).take(steps)
    return [hash(batch.tobytes()) for batch in batches.as_numpy_iterator()]


def check_order(folder: Path, source: str, steps: int = 6) -> None:
    """Compares the order with that of another run, of a resumed one, and of the same set in memory."""
    runs = [numbers_of(load(folder, source, memory_limit=0), 0, steps) for _ in range(2)]
    resumed = numbers_of(load(folder, source, memory_limit=0), steps // 2, steps - steps // 2)
    from_memory = numbers_of(load(folder, source, memory_limit=2**40), 0, steps)
    assert runs[0] == runs[1] == from_memory, "another order"
    assert resumed == runs[0][steps // 2 :], "a resumed run goes on otherwise"
    assert len({*runs[0]}) == steps, "the same batches again"


def costs(dataset: kgz.data.Dataset, rounds: int, steps: int) -> tuple[float, float, float, float]:
    """The first four columns of the table."""
    from tests.benchmarks import ours  # which imports TensorFlow

    def drawn(batches: int = steps) -> Iterator:
        """Begins anew each turn: what was read ahead in the turns of others would seem to cost nothing."""
        return iter(dataset.batches(DCGAN_32.batch_size, SEED).take(batches))

    gan = ours.model(DCGAN_32, ours.players(DCGAN_32))
    piped = itertools.chain.from_iterable(drawn() for _ in itertools.count())
    sides = {
        "piped": _repeated(ours.one_step(gan, piped), steps),
        "one batch": _repeated(ours.one_step(gan, itertools.repeat(next(drawn()))), steps),
        "alone": lambda: list(drawn(steps + 1)),
        "start": lambda: list(drawn(1)),
    }
    times = in_turn(sides, rounds)
    start, step = times["start"], times["one batch"]
    alone, piped = times["alone"] - start, times["piped"] - start
    return (
        float(np.median(start[:, CLOCK])),
        float(np.median(alone[:, CORES] / step[:, CORES])),
        float(np.median(piped[:, CLOCK] / step[:, CLOCK])),
        float(DCGAN_32.batch_size * steps / np.median(alone[:, CLOCK])),
    )


def _repeated(run, steps: int):
    def turn():
        for _ in range(steps):
            run()

    return turn


def peaks(folder: Path, source: str, steps: int, limit: int) -> tuple[float, float]:
    """The most megabytes of a process that trains on a set, and of one that trains on a tenth."""
    whole, tenth = (_in_a_process(folder, source, part, steps, limit) for part in ("all", "tenth"))
    return whole, tenth


def _in_a_process(folder: Path, source: str, part: str, steps: int, limit: int) -> float:
    command = [sys.executable, "-m", __spec__.name, "--folder", str(folder), "--steps", str(steps)]
    command += ["--train", source, part, str(limit)]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    return float(done.stdout.split()[-1])


def train(folder: Path, source: str, part: str, limit: int, steps: int) -> float:
    """Megabytes at most, in a fresh process."""
    from tests.benchmarks import ours  # which imports TensorFlow

    dataset = load(folder, source, part == "tenth", memory_limit=limit)
    gan = ours.model(DCGAN_32, ours.players(DCGAN_32))
    gan.fit(dataset, batch_size=DCGAN_32.batch_size, steps_per_epoch=steps, verbose=0)
    return megabytes()


def rows(folder: Path, pictures: int, rounds: int, steps: int) -> Iterator[str]:
    """The lines of the table, each when it is known."""
    head = f"{'source':22} {'start':>7} {'alone':>7} {'step':>6} {'images/s':>9} {'peak':>9} {'more than a tenth':>18}"
    yield f"{head} {'a picture':>10}"
    for name, source, limit in (*((n, s, 0) for n, s in SOURCES.items()), ("memory", "shards", 2**40)):
        start, alone, step, speed = costs(load(folder, source, memory_limit=limit), rounds, STEPS_OF_A_TURN)
        whole, tenth = peaks(folder, source, steps, limit)
        each = (whole - tenth) * 2**20 / (pictures * (1 - 1 / PARTS))
        yield (
            f"{name:22} {start:>5.2f} s {100 * alone:>5.1f} % {step:>6.2f} {speed:>9,.0f} {whole:>6.0f} MB "
            f"{whole - tenth:>15.0f} MB {each:>8.0f} B"
        )
    for name, source in SOURCES.items():
        check_order(folder, source)
        yield f"{name}: the order of two runs, of a resumed run, and from memory is the same"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200_000, help="how many, at least 1000")
    parser.add_argument("--folder", type=Path, help="where the data are made and kept; default: a temporary folder")
    parser.add_argument("--rounds", type=int, default=10, help="measurements of each step")
    parser.add_argument("--steps", type=int, default=300, help="of the trainings whose memory is measured")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)  # source, part and limit, in a fresh process
    given = parser.parse_args()
    if given.train:
        source, part, limit = given.train
        print(train(given.folder, source, part, int(limit), given.steps))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "data"
        make(folder, given.pictures)
        for row in rows(folder, given.pictures, given.rounds, given.steps):
            print(row, flush=True)


if __name__ == "__main__":
    main()
