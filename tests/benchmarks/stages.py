"""Two stages against one at equal core minutes: python -m tests.benchmarks.stages [--minutes 12] [--seeds 3]

Draws faces of 64x64 pixels from captions. For each seed, the first stage of a StackGAN is trained on pictures of 32x32
pixels for a third of the time, and the second stage for the rest. A model of one stage, with the networks of the first
for 64x64 pixels, is trained for all of the time.

Time is that of all cores in training. Ten times on the way, the "selecting" classifier looks at samples, and the model
that it likes best is kept. The "reporting" classifier and the R-precision give the table, as in `text_to_image`. When
the command was interrupted, it goes on where it stopped.
"""

import argparse
import gc
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import keras_gan_zoo as kgz
from keras_gan_zoo import data, pictures
from keras_gan_zoo.core.files import written_beside
from tests.benchmarks.attributes import FOLDER, reader
from tests.benchmarks.text_scores import drawn
from tests.benchmarks.text_to_image import LOOKS, Looks, Measurement, over, sheet, table, write

SMALL, LARGE = 32, 64  # pixels a side
STEPS = 50  # of an epoch, after which the time is taken


@dataclass(frozen=True)
class Job:
    """A model to train, of one stage or one of two.

    Args:
        variant: Its class.
        image_size: Pixels a side.
        share: Of the time.
        arguments: Of `for_images`.
        after: The job whose model is the first stage.
    """

    variant: type
    image_size: int
    share: float
    arguments: dict
    after: str | None = None


JOBS = {
    "first stage": Job(kgz.StackGAN, SMALL, 1 / 3, {"width": 32}),
    "StackGAN": Job(kgz.StackGAN, LARGE, 2 / 3, {"width": 16, "residual_blocks": 2}, after="first stage"),
    "one stage": Job(kgz.StackGAN, LARGE, 1, {"width": 16}),
}
ROWS = [row for row in JOBS if row != "first stage"]


class Budget(keras.callbacks.Callback):
    """Ends the training after some core minutes, and looks at samples ten times on the way.

    Args:
        minutes: The time of all cores, without looks and snapshots.
        looks: Called ten times; None to train without.
        file: Notes the time of each step at which it was taken, from which an interrupted training goes on.
    """

    def __init__(self, minutes: float, looks: Looks | None, file: Path):
        super().__init__()
        self.minutes, self.looks, self.file = minutes, looks, file
        self.spent: list[dict] = []
        self.begun = 0.0

    def set_model(self, model):
        super().set_model(model)
        if self.looks is not None:
            self.looks.set_model(model)

    def on_train_begin(self, logs=None):
        before = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else []
        self.spent = [each for each in before if each["steps"] <= self.model.steps_done]

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        before = self.spent[-1]["minutes"] if self.spent else 0.0
        now = before + (time.process_time() - self.begun) / 60
        self.spent.append({"steps": self.model.steps_done, "minutes": now})
        write(self.file, self.spent)
        if self.looks is not None and int(now / self.minutes * LOOKS) > int(before / self.minutes * LOOKS):
            self.looks.on_epoch_end(epoch, logs)
        if now >= self.minutes:
            self.model.stop_training = True


def train(folder: Path, job: Job, first_stage: Path | None, judge, seed: int, options) -> None:
    """Trains one model, or goes on with it."""
    keras.backend.clear_session()
    gc.collect()
    folder.mkdir(parents=True, exist_ok=True)
    dataset = data.load(options.data, image_size=job.image_size)
    stages = {} if first_stage is None else {"first_stage": first_stage}
    recipe = {"ema_decay": options.ema, "r1": options.r1, **job.arguments, **stages}
    gan = job.variant.for_images(dataset.example_shape, seed=seed, **recipe)
    rate = options.learning_rate
    gan.compile(gan.paper_optimizer(rate), gan.paper_optimizer(rate))
    looks = Looks(options.data, judge, folder) if job.image_size == LARGE else None
    callbacks = [Budget(options.minutes * job.share, looks, folder / "minutes.json")]
    callbacks += [kgz.callbacks.Snapshots(folder / "snapshots")]
    gan.fit(dataset, batch_size=options.batch_size, steps_per_epoch=STEPS, epochs=10**6, callbacks=callbacks, verbose=0)
    with written_beside(folder / "last.keras") as beside:
        gan.save(beside)
    write(folder / "done.json", {"steps": gan.steps_done, "minutes": options.minutes * job.share, "seed": seed})


def train_all(options) -> dict[str, list[Path]]:
    """Trains what is not finished; the folders of the models of each row."""
    folders = {row: [options.out / f"{row.replace(' ', '_')}_{seed}" for seed in range(options.seeds)] for row in JOBS}
    judge = reader(options.data, "selecting", options.judges)
    for seed in range(options.seeds):
        for row, job in JOBS.items():
            folder = folders[row][seed]
            if not (folder / "done.json").exists():
                first_stage = None if job.after is None else folders[job.after][seed] / "last.keras"
                train(folder, job, first_stage, judge, seed, options)
                done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
                print(f"{row}, seed {seed}: {done['steps']:,} steps in {done['minutes']:.0f} core minutes", flush=True)
    return {row: folders[row] for row in ROWS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="peeps")
    parser.add_argument("--minutes", type=float, default=12.0, help="core minutes of a model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--r1", type=float, default=0.1)
    parser.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained classifiers")
    parser.add_argument("--out", type=Path, default=Path("build") / "stages")
    options = parser.parse_args()
    runs = train_all(options)
    measurement, rows = Measurement(options.data, options.judges), {}
    for row, folders in runs.items():
        models = [kgz.load(folder / "best.keras") for folder in folders]
        pictures.save(sheet(models[0], measurement.asked["unseen"]), options.out / f"{row.replace(' ', '_')}.png")
        for name, asked in measurement.asked.items():
            rows[name, row] = [measurement.judges.scores(drawn(gan, asked.texts), asked) for gan in models]
    write(options.out / "stages.json", [{"captions": n, "row": row, "scores": s} for (n, row), s in rows.items()])
    for name in measurement.asked:
        print(table(f"captions: {name}", {row: over(rows[name, row]) for row in runs}))


if __name__ == "__main__":
    main()
