"""CIFAR-10 by every family, for equally many minutes of one core, by three seeds.

    python -m tests.benchmarks.colour families               # GANs, with classes and without, VAE, BiGAN, mixture
    python -m tests.benchmarks.colour small                  # of 5,000 pictures, augmented and not
    python -m tests.benchmarks.colour families --minutes 30 --only R3GAN,SNGAN

Each row is a recipe whose networks are small enough for a CPU to show them the data several times. Learning rates fall
to 0 along a cosine, which ends with the time. Samples are those of the averaged generator, 10,000 of them, classes in
turn. They are compared with the test pictures in features of the classifier that comes with the package, as by
`gan-zoo evaluate`; the first seed also after an eighth, a quarter and half of the steps. Label agreement is how often
this classifier sees the class that was asked for. The Frechet distance within classes is the mean of those of single
classes from their training pictures. "Real pictures" are training pictures in the samples' place, the best that can be
expected; the mixture of Gaussians on principal components is no network.

When the command was interrupted, it goes on where it stopped. The table, and a picture of quality against time, are in
its folder.
"""

import argparse
import gc
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo import pictures
from keras_gan_zoo.metrics.sets import ImageSet
from keras_gan_zoo.training import build, resolve
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks import variants
from tests.benchmarks.attributes import markdown
from tests.benchmarks.budget import affordable
from tests.benchmarks.families import Mixture, floats
from tests.benchmarks.text_to_image import over, write
from tests.benchmarks.translation_scores import frechet

DATA, N, CLASSES = "cifar10", 10_000, 10
FITTED = 20_000  # pictures of the mixture
PARTS = 8  # of the steps of a run, of which looks are taken after
LOOKS = (1, 2, 4, 8)
METRICS = ["frechet_distance", "precision_recall", "density_coverage"]
SHOWN = {"frechet_distance": "Frechet distance", "recall": "recall", "coverage": "coverage"}
OF_CLASSES = {"label_agreement": "label agreement", "within_classes": "Frechet distance within classes"}

SMALL = {"width": 16, "discriminator_width": 16, "discriminator_steps": 1, "ema_decay": 0.999}  # residual networks
AUGMENTED = {"augmentation": "colour,translation,cutout"}
DCGAN = {"variant": "dcgan", "batch_size": 64, "model": {"ema_decay": 0.999}}
SNGAN = {"variant": "sngan", "batch_size": 64, "learning_rate": 4e-4, "model": SMALL}
R3GAN = {"variant": "r3gan", "batch_size": 64, "model": {"architecture": "dcgan"}}  # its own are 4 times slower
ROWS = {
    "families": {
        "DCGAN": DCGAN,
        "WGANGP": {"variant": "wgan_gp", "batch_size": 128, "model": {"discriminator_steps": 2, "ema_decay": 0.999}},
        "SNGAN": SNGAN,
        "R3GAN": R3GAN,
        "VAE": {"variant": "vae", "batch_size": 64},
        "BiGAN": {"variant": "bigan", "batch_size": 64, "model": {"ema_decay": 0.999}},
        "SNGAN with labels at the input": {**SNGAN, "conditional": True, "model": {**SMALL, "conditioning": "input"}},
        "SNGAN with projection": {**SNGAN, "conditional": True},
        "BigGAN": {
            **{"variant": "biggan", "conditional": True, "batch_size": 64},
            **{"model": {"width": 4, "discriminator_steps": 1, "ema_decay": 0.999}},
        },
        "R3GAN with classes": {**R3GAN, "conditional": True},
    },
    "small": {
        f"{name}{how}": {**recipe, "split": "train[:5000]", "model": {**recipe["model"], **options}}
        for name, recipe in (("DCGAN", DCGAN), ("R3GAN", R3GAN))
        for how, options in (("", {}), (" augmented", AUGMENTED))
    },
}


class Judge:
    """Measures samples as `gan-zoo evaluate` does, and within classes."""

    def __init__(self):
        self.extractor = kgz.metrics.extractor(DATA)
        test, self.train = (kgz.data.load(DATA, split=split).in_memory() for split in ("test", "train"))
        self.real = ImageSet(test.examples[:N], self.extractor, test.labels[:N])
        of_class = (self.train.examples[self.train.labels == c] for c in range(CLASSES))
        self.moments = [kgz.metrics.Moments.of(self.extractor(images)) for images in of_class]

    def figures(self, images, labels=None) -> dict[str, float]:
        """All figures of pictures, those of classes if the labels were asked for."""
        made = ImageSet(images, self.extractor, labels)
        metrics = METRICS if labels is None else [*METRICS, "label_agreement"]
        figures = variants.figures(self.real, made, metrics)
        if labels is not None:
            of_class = [frechet(made.features[labels == c], self.moments[c]) for c in range(CLASSES)]
            figures["within_classes"] = float(np.mean(of_class))
        return {name: figures[name] for name in (*SHOWN, *OF_CLASSES) if name in figures}

    def real_figures(self) -> dict[str, float]:
        """Those of training pictures in the samples' place."""
        chosen = np.random.default_rng(0).permutation(len(self.train))[:N]
        return self.figures(self.train.examples[chosen], self.train.labels[chosen])


class Looks(keras.callbacks.Callback):
    """Measures samples after some of the parts of a training, and says which time it took until then."""

    def __init__(self, judge: Judge, after: tuple[int, ...]):
        super().__init__()
        self.judge, self.after = judge, after
        self.spent, self.looks = 0.0, []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.spent += (time.process_time() - self.begun) / 60
        if epoch + 1 in self.after:
            self.looks.append({"core_minutes": self.spent, **self.judge.figures(*samples(self.model))})


def samples(gan) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures, and the labels that they were asked for."""
    if gan.num_classes is None or gan.condition is None:
        return gan.sample(N, seed=0), None
    labels = np.arange(N) % CLASSES
    return gan.sample(N, labels=labels, seed=0), labels


def run(file: Path, recipe: dict, seed: int, minutes: float, judge: Judge) -> None:
    """Trains one model and keeps it, its figures and a sheet."""
    keras.backend.clear_session()
    gc.collect()
    recipe, dataset = resolve(Recipe(**recipe, data=DATA, decay=1.0, seed=seed))
    part = max(1, affordable(recipe, dataset, minutes) // PARTS)
    gan = build(recipe, dataset, PARTS * part)
    looks = Looks(judge, LOOKS if seed == 0 else LOOKS[-1:])
    gan.fit(dataset, batch_size=recipe.batch_size, steps_per_epoch=part, epochs=PARTS, callbacks=[looks], verbose=0)
    gan.save(file.with_suffix(".keras"))
    pictures.save(pictures.grid(gan.sample(100, seed=0)), file.with_suffix(".png"))
    write(file, {"steps": gan.steps_done, "looks": looks.looks})


def train_all(rows: dict[str, dict], judge: Judge, options) -> dict[str, list[dict]]:
    """Trains what is not finished; the records of the runs of each row."""
    files = {
        (row, seed): options.out / f"{name_of(row)}_{options.minutes:g}_minutes_{seed}.json"
        for seed in range(options.seeds)
        for row in rows
    }
    for (row, seed), file in files.items():
        if not file.exists():
            run(file, rows[row], seed, options.minutes, judge)
            look = json.loads(file.read_text(encoding="utf-8"))["looks"][-1]
            print(f"{row}, seed {seed}: {look['frechet_distance']:.2f}", flush=True)
    return {
        row: [json.loads(files[row, seed].read_text(encoding="utf-8")) for seed in range(options.seeds)] for row in rows
    }


def name_of(row: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in row.lower())


def mixture_figures(judge: Judge, seeds: int) -> list[dict]:
    """Those of samples of a mixture of Gaussians, by several seeds."""
    mixture = Mixture(floats(judge.train.examples[:FITTED]))
    return [judge.figures(mixture.sample(N, seed)) for seed in range(seeds)]


def table(entries: dict[str, list[dict]], head: str) -> str:
    """Means and standard deviations over seeds, in Markdown; rows without classes have no figures of these."""
    names = {**SHOWN, **OF_CLASSES}
    cells = {row: over(figures) for row, figures in entries.items()}
    return markdown(
        [head, *names.values()], [[row, *(each.get(name, "") for name in names)] for row, each in cells.items()]
    )


def picture(records: dict[str, list[dict]], path: Path) -> None:
    """Frechet distance against core minutes, of the first seed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for row, runs in records.items():
        points = [[look["core_minutes"], look["frechet_distance"]] for look in runs[0]["looks"]]
        axis.plot(*np.transpose(points), marker="o", markersize=3, label=row)
    axis.set(xlabel="core minutes of training", ylabel="Frechet distance", xscale="log", yscale="log")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter("{x:g}")
        side.set_minor_formatter("{x:g}")
    axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=ROWS)
    parser.add_argument("--minutes", type=float, default=10.0, help="of one core, for each model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="rows, such as SNGAN,R3GAN; default: all")
    parser.add_argument("--out", type=Path, help="default: build/colour/COMMAND")
    options = parser.parse_args()
    options.out = options.out or Path("build") / "colour" / options.command
    options.out.mkdir(parents=True, exist_ok=True)
    rows = ROWS[options.command]
    if options.only:
        rows = {row: rows[row] for row in rows if row in options.only.split(",")}
    judge = Judge()
    records = train_all(rows, judge, options)
    entries = {row: [dict(record["looks"][-1]) for record in runs] for row, runs in records.items()}
    spent = np.median([figures.pop("core_minutes") for runs in entries.values() for figures in runs])
    if options.command == "families":
        entries["mixture of Gaussians"] = mixture_figures(judge, options.seeds)
    entries["real pictures"] = [judge.real_figures()]
    text = table(entries, f"{spent:.0f} core minutes, {options.seeds} seeds")
    (options.out / "table.md").write_text(text, encoding="utf-8")
    picture(records, options.out / "time_to_quality.png")
    print(text)


if __name__ == "__main__":
    main()
