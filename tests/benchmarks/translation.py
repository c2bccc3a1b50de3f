"""Do translators earn their place? Each beside answers that need no network, and beside what its paper compares with.

    python -m tests.benchmarks.translation super_resolution             # and the other commands below
    python -m tests.benchmarks.translation colouring --steps 6000       # more than the default

Each command trains all rows of a table for equally many steps, by three seeds. The generator's learning rate falls to 0
along half a cosine; a discriminator's follows the same curve by the steps in which it learns. Ten times on the way,
translations of the first held-out pictures are measured with the "selecting" judges of `translation_judges`, and the
state that is best by one figure is kept: by PSNR or L1 for models that learn from content alone, by pixel accuracy for
label maps, otherwise by the feature distance. The other held-out pictures and the "reporting" judges give the table:
means and standard deviations over seeds. When a command was interrupted, it goes on where it stopped. For each row
there is a sheet of pictures: source, what was made of it, target.

All pictures are rounded to 8 bits before they are measured. L1 is the mean absolute difference of pixels in [-1, 1].
PSNR is that of the mean squared error of all pictures together, and "mean PSNR" the mean of those of single pictures,
in RGB and with the borders. SSIM has windows of 11 pixels. The feature distance is the mean distance between features
of a picture and of its target. The Frechet distance is that from real training pictures, with up to 10,000 of which
pictures are compared. "Real pictures" are the targets: no model can be expected to come nearer. Models that learn from
content alone are of the same class, whose first steps on the content loss alone do not end. Judges are trained when
they are first needed, and kept.

super_resolution: CIFAR-10's test pictures made smaller by `data.Downscaled(2)` and `(4)`, which is bicubic with
    antialiasing, and enlarged by SRGAN's generator: trained by the squared error alone, and for the second half of the
    steps by the discriminator as well. Floors: Pillow's bicubic and Lanczos.
inpainting: the centre of 16x16 pixels of these pictures. L1, PSNR and SSIM are those of the hole, the other figures
    those of whole pictures. Floors: the mean colour of the context, the discrete biharmonic equation, the hole of the
    training picture with the nearest context.
colouring: the line art of OpenMoji, without flags and plain shapes; variants of an emoji in gender and skin are in the
    same split. L1, PSNR and SSIM are those of the pixels at which the picture differs from its line art by more than 16
    levels in a channel. In rows without "c", the discriminator does not see the line art (Table 1 of the paper);
    numbers of pixels are the sides of the patches that it judges (Table 2). Floors: the line art itself, the training
    picture whose line art is nearest by the squared error, the median of each pixel.
unpaired: Noto to Twemoji. CycleGAN learns from the even emoji of Noto and the odd ones of Twemoji, so it never sees one
    emoji in both styles. True pairs of test emoji measure it, and true pairs of other emoji choose among its states.
    Retrieval is how often the true target is, by features, the nearest of all test targets. "GAN alone" is without
    cycle and identity, "cycle alone" without discriminators; all three make the difference from their source. Floors:
    the source itself; an affine map of colours that gives mean and covariance of one half those of the other. Ceiling:
    Pix2Pix, trained on all pairs.
label_maps: the label maps of avatars to faces, by SPADE and by a U-Net whose width is such that both generators have
    equally many multiplications, within 5 %. They have the same discriminator and losses. Segmenters read the label
    maps back: pixel accuracy, and intersection over union as a mean over parts. Floor: the real picture of another map.
"""

import argparse
import gc
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo import pictures
from keras_gan_zoo.core.files import written_beside
from tests.benchmarks import translation_tasks
from tests.benchmarks.attributes import FOLDER
from tests.benchmarks.text_to_image import over, table, write
from tests.benchmarks.translation_tasks import HIGHER, Row, Task, translated

LOOKS = 10
SHOWN = 18  # pictures of a sheet
COMMANDS = {  # options of each, with their defaults
    "super_resolution": {
        **{"steps": 2400, "batch_size": 16, "learning_rate": 1e-3, "width": 32, "selecting": 200},
        **{"residual_blocks": 4, "adversarial_weight": 1e-3},
    },
    "inpainting": {
        **{"steps": 3000, "batch_size": 64, "learning_rate": 2e-4, "width": 32, "selecting": 200},
        **{"adversarial_weight": 1e-3},
    },
    "colouring": {
        **{"steps": 2000, "batch_size": 8, "learning_rate": 4e-4, "width": 16, "selecting": 48},
        **{"image_size": 64},
    },
    "unpaired": {
        **{"steps": 5000, "batch_size": 4, "learning_rate": 4e-4, "width": 16, "selecting": 39},
        **{"image_size": 32, "residual_blocks": 4},
    },
    "label_maps": {"steps": 4000, "batch_size": 32, "learning_rate": 4e-4, "width": 12, "selecting": 400},
}


class Looks(keras.callbacks.Callback):
    """Keeps the best state of a model, and notes the figures after each epoch.

    Args:
        task: What measures.
        row: What is best, and from when on.
        folder: Of `looks.json` and `best.keras`.
    """

    def __init__(self, task: Task, row: Row, folder: Path):
        super().__init__()
        self.task, self.row = task, row
        self.folder, self.file = folder, folder / "looks.json"

    def on_epoch_end(self, epoch, logs=None):
        steps, figures = self.model.steps_done, self.task.seen(self.model)
        before = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else []
        before = [look for look in before if look["steps"] < steps]  # the run may have gone back
        rivals = [self._merit(look) for look in before if look["steps"] > self.row.after]
        if steps > self.row.after and self._merit(figures) > max(rivals, default=-np.inf):
            with written_beside(self.folder / "best.keras") as beside:
                self.model.save(beside)
        write(self.file, [*before, {"steps": steps, **figures}])

    def _merit(self, figures: dict) -> float:
        return figures[self.row.best] * (1 if self.row.best in HIGHER else -1)


def train(task: Task, row: Row, folder: Path, seed: int, options) -> None:
    """Trains one model, or goes on with it."""
    keras.backend.clear_session()
    gc.collect()
    folder.mkdir(parents=True, exist_ok=True)
    model = row.build(seed=seed)
    rates = (factor * options.learning_rate for factor in (row.generator_rate, 1))
    decays = (keras.optimizers.schedules.CosineDecay(rate, options.steps) for rate in rates)
    model.compile(*(model.paper_optimizer(decay) for decay in decays))
    looks = min(LOOKS, options.steps)
    callbacks = [kgz.callbacks.Snapshots(folder / "snapshots"), Looks(task, row, folder)]
    epochs = {"steps_per_epoch": options.steps // looks, "epochs": looks}
    model.fit(row.dataset, batch_size=options.batch_size, **epochs, callbacks=callbacks, verbose=0)
    write(folder / "done.json", {"steps": model.steps_done, "seed": seed})


def train_all(task: Task, options) -> dict[str, list[Path]]:
    """Trains what is not finished; the folders of the runs of each row."""
    runs = {row: [folder_of(task, row, options) / str(seed) for seed in range(options.seeds)] for row in task.rows}
    jobs = [(seed, row) for seed in range(options.seeds) for row in task.rows]
    left = [(seed, row) for seed, row in jobs if not (runs[row][seed] / "done.json").exists()]
    begun = time.monotonic()
    for number, (seed, row) in enumerate(left, start=1):
        train(task, task.rows[row], runs[row][seed], seed, options)
        minutes = (time.monotonic() - begun) / 60 * (len(left) / number - 1)
        print(f"{task.name}, {number} of {len(left)}: {row}, seed {seed}; about {minutes:.0f} minutes left", flush=True)
    return runs


def numbers(options) -> dict[str, float]:
    """The options that figures depend on."""
    return {name: value for name, value in vars(options).items() if isinstance(value, (int, float))}


def check_options(task: Task, options) -> None:
    """Runs of other steps or sizes are not those to go on with; more seeds may be added."""
    file = options.out / task.name / "options.json"
    asked = {name: value for name, value in numbers(options).items() if name != "seeds"}
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else asked
    if asked != before:
        raise SystemExit(f"Expected the options of {file}: {before}. Received: {asked}. Choose another --out.")
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, asked)


def folder_of(task: Task, row: str, options) -> Path:
    """The folder of the runs of a row."""
    return options.out / task.name / "".join(letter if letter.isalnum() else "_" for letter in row)


def measured(task: Task, runs: dict[str, list[Path]], options) -> dict[str, list[dict]]:
    """The figures of all rows, and sheets of pictures."""
    rows = {}
    for row, made in task.floors.items():
        rows[row] = [task.reported(made)]
        save_sheet(task, row, made, options)
    for row, folders in runs.items():
        rows[row] = []
        for seed, folder in enumerate(folders):
            made = translated(kgz.load(folder / "best.keras"), task.reporting.sources)
            rows[row].append(task.reported(made))
            if not seed:
                save_sheet(task, row, made, options)
    return {**rows, "real pictures": [task.ceiling]} if task.ceiling else rows


def save_sheet(task: Task, row: str, made: np.ndarray, options) -> None:
    """Triples of source, what was made of it, and target."""
    shown = np.linspace(0, len(made) - 1, min(SHOWN, len(made)), dtype=int)
    answer = SimpleNamespace(translate=lambda sources: made[shown].astype(np.float32) / 127.5 - 1)
    sheet = pictures.draw_translations(answer, task.reporting.sources[shown], task.reporting.targets[shown])
    pictures.save(sheet, folder_of(task, row, options).with_suffix(".png"))


def compare(task: Task, options) -> dict[str, list[dict]]:
    """Trains and measures all rows of a task, and prints its table."""
    check_options(task, options)
    for remark in task.remarks:
        print(remark, flush=True)
    rows = measured(task, train_all(task, options), options)
    known = {
        "options": numbers(options),
        "pictures": {"selecting": len(task.selecting.targets), "reporting": len(task.reporting.targets)},
        "judges": {role: judge.protocol for role, judge in task.features.items()},
        "remarks": task.remarks,
    }
    write(options.out / f"{task.name}.json", {**known, "rows": rows})
    print(table(task.name.replace("_", " "), {row: over(figures) for row, figures in rows.items()}))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, defaults in COMMANDS.items():
        tasks = getattr(translation_tasks, name)
        command = commands.add_parser(name, help=tasks.__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.set_defaults(tasks=tasks)
        for option, default in defaults.items():
            command.add_argument(f"--{option.replace('_', '-')}", type=type(default), default=default, help=" ")
        command.add_argument("--seeds", type=int, default=3, help="models of each row")
        command.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained judges")
        command.add_argument("--out", type=Path, default=Path("build") / "translation", help="folder of all results")
    options = parser.parse_args()
    options.judges.mkdir(parents=True, exist_ok=True)
    for task in options.tasks(options):
        compare(task, options)


if __name__ == "__main__":
    main()
