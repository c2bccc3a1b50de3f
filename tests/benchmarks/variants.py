"""Every variant on MNIST and Fashion-MNIST under one budget: quality against time, over several seeds.

    python -m tests.benchmarks.variants runs/variants  # 36 runs of three core minutes; goes on where it stopped
    python -m tests.benchmarks.variants runs/look --core-minutes 0.5 --seeds 1
    python -m tests.benchmarks.variants runs/variants --data mnist  # a part, such as for one core of several
    python -m tests.benchmarks.variants runs/variants --document    # ... and writes the results into docs

A row trains by the recipe of one preset, on both data sets, whichever the preset was made for. The budget is in core
minutes, the time that all threads of the process spend on training, which other work on the machine hardly lengthens;
on two cores it is twice the minutes on the clock. Looks when it is spent, with the first seed also at an eighth, a
quarter and half of it, are not counted. A look is 10,000 samples of the averaged generator against the 10,000 test
images, seen by the shipped classifier.
"""

import argparse
import gc
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.metrics.protocol import measure
from keras_gan_zoo.metrics.sets import ImageSet, Sets
from keras_gan_zoo.training import build, resolve
from keras_gan_zoo.training.recipe import Recipe

ROWS = {  # the preset whose recipe a row trains by
    "`GAN`, perceptrons": "gan_mnist",
    "`DCGAN`": "dcgan_fashion_mnist",
    "`ConditionalGAN`, convolutions": "conditional_dcgan_fashion_mnist",
    "`WGAN`": "wgan_fashion_mnist",
    "`WGANGP`": "wgan_gp_fashion_mnist",
    "`FGAN`, Pearson": "fgan_pearson_mnist",
}
DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
PUBLISHED = {  # Frechet distances on Inception's features, best of 100 settings of one network: Lucic et al. (2018)
    "`DCGAN`": ("6.8 ± 0.5", "26.5 ± 1.6"),  # their NS GAN
    "`WGAN`": ("6.7 ± 0.4", "21.5 ± 1.6"),
    "`WGANGP`": ("20.3 ± 5.0", "24.5 ± 2.1"),
}
N, SHARES = 10_000, (1 / 8, 1 / 4, 1 / 2, 1)  # of the first seed; the others are looked at once
DOCS = Path(__file__).parents[2] / "docs"
RESULTS, PAGE, PICTURE = DOCS / "results.json", DOCS / "results.md", DOCS / "images" / "time_to_quality.png"


def figures(real: ImageSet, images: np.ndarray | ImageSet, metrics: list[str]) -> dict[str, float]:
    made = images if isinstance(images, ImageSet) else ImageSet(images, real.extractor)
    results = measure(Sets(made, real), metrics)
    return {
        result.metric if name == "value" else name: float(value)
        for result in results
        for name, value in result.values.items()
    }


def yardstick(data: str) -> tuple[ImageSet, dict[str, float]]:
    """The test images, and the figures of as many training images in the samples' place."""
    extractor = kgz.metrics.extractor(data)
    splits = (kgz.data.load(data, split=split).in_memory().examples for split in ("test", "train"))
    test, train = (images[np.random.default_rng(0).permutation(len(images))[:N]] for images in splits)
    real = ImageSet(test, extractor)
    return real, figures(real, train, ["frechet_distance", "precision_recall"])


class Looks(keras.callbacks.Callback):
    """Measures when shares of the budget are spent, and stops when all of it is."""

    def __init__(self, real: ImageSet, due: list[float]):
        super().__init__()
        self.real, self.due = real, due
        self.spent, self.looks = 0.0, []

    def on_train_begin(self, logs=None):
        self.since = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        now = time.process_time()
        self.spent, self.since = self.spent + (now - self.since) / 60, now
        if self.spent >= self.due[len(self.looks)]:
            samples = self.model.sample(N, seed=0)
            self.looks.append({"core_minutes": self.spent, **figures(self.real, samples, ["frechet_distance"])})
            self.since = time.process_time()
        self.model.stop_training = len(self.looks) == len(self.due)


def recipe_of(preset: str) -> dict:
    """All of its recipe that does not depend on the data, the seed or how long it was trained."""
    recipe = kgz.zoo.card(preset).recipe
    return {name: value for name, value in recipe.items() if name not in ("data", "seed", "epochs")}


def run(preset: str, data: str, seed: int, real: ImageSet, core_minutes: float) -> dict:
    """Trains one model anew; all that is said about it."""
    keras.backend.clear_session()
    gc.collect()
    recipe, dataset = resolve(Recipe(**{**recipe_of(preset), "data": data, "seed": seed}))
    due = [share * core_minutes for share in (SHARES if seed == 0 else [1])]
    gan, looks = build(recipe, dataset), Looks(real, due)
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=10_000, callbacks=[looks], verbose=0)
    last = figures(real, gan.sample(N, seed=0), ["precision_recall"])
    return {"recipe": recipe_of(preset), "steps": gan.steps_done, "looks": looks.looks, **last}


def missing(folder: Path, seeds: int, sets: list[str]):
    """(row, data, seed, file) of what has not been trained; every row once before any is trained again."""
    for seed in range(seeds):
        for row, preset in ROWS.items():
            for data in sets:
                file = folder / f"{preset}_on_{data}_{seed}.json"
                if not file.exists():
                    yield row, data, seed, file


def train_all(folder: Path, seeds: int, core_minutes: float, sets: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    left, yardsticks = list(missing(folder, seeds, sets)), {}
    for number, (row, data, seed, file) in enumerate(left):
        yardsticks[data] = real, floor = yardsticks.get(data) or yardstick(data)
        record = {"row": row, "data": data, "seed": seed, "floor": floor}
        record |= run(ROWS[row], data, seed, real, core_minutes)
        with written_beside(file) as beside:
            beside.write_text(json.dumps(record), encoding="utf-8")
        distance = record["looks"][-1]["frechet_distance"]
        print(f"{number + 1:>3} of {len(left)}  {row} on {DATA[data]}, seed {seed}: {distance:.2f}", flush=True)


def spread(values, digits: int = 2) -> str:
    """Mean and standard deviation over seeds."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1) if len(values) > 1 else np.nan:.{digits}f}"


def table(records: list[dict]) -> str:
    """In Markdown, a line per row; the last one has real images in the samples' place."""
    budget = np.median([record["looks"][-1]["core_minutes"] for record in records])
    seeds = len({record["seed"] for record in records})
    head = " | ".join(f"{name}: Frechet distance | precision | recall" for name in DATA.values())
    lines = [f"| {budget:.0f} core minutes, {seeds} seeds | {head} |", "|---" * (1 + 3 * len(DATA)) + "|"]
    for row in ROWS:
        cells = []
        for data in DATA:
            runs = [record for record in records if (record["row"], record["data"]) == (row, data)]
            cells.append(spread([run["looks"][-1]["frechet_distance"] for run in runs]))
            cells += [spread([run[name] for run in runs]) for name in ("precision", "recall")]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    floors = [next(record["floor"] for record in records if record["data"] == data) for data in DATA]
    real = [f"{floor[name]:.2f}" for floor in floors for name in ("frechet_distance", "precision", "recall")]
    return "\n".join([*lines, f"| real images | {' | '.join(real)} |"]) + "\n"


def picture(records: list[dict], path: Path) -> None:
    """Frechet distance against core minutes: the first seed, and at its end the range of all."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (axes,) = plt.subplots(1, len(DATA), figsize=(10, 4.2), layout="constrained", sharey=True, squeeze=False)
    for axis, (data, title) in zip(axes, DATA.items(), strict=True):
        for row in ROWS:
            runs = [run for run in records if (run["row"], run["data"]) == (row, data)]
            first = next(run["looks"] for run in runs if run["seed"] == 0)
            minutes, distances = np.array([[look["core_minutes"], look["frechet_distance"]] for look in first]).T
            (line,) = axis.plot(minutes, distances, marker="o", markersize=3, label=row.replace("`", ""))
            last = [run["looks"][-1]["frechet_distance"] for run in runs]
            axis.vlines(minutes[-1], min(last), max(last), color=line.get_color(), linewidth=4, alpha=0.4)
        floor = next(record["floor"]["frechet_distance"] for record in records if record["data"] == data)
        axis.axhline(floor, color="0.5", linestyle=":", label="real images")
        axis.set(title=title, xlabel="core minutes of training", xscale="log", yscale="log")
        axis.set_xticks(minutes, [f"{minute:.2g}" for minute in minutes])
        axis.minorticks_off()
    axes[0].set_ylabel("Frechet distance")
    axes[-1].legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=90)


def published() -> str:
    """What others measured, in Markdown."""
    rows = [f"| {row} | {' | '.join(values)} |" for row, values in PUBLISHED.items()]
    return "\n".join([f"| published | {' | '.join(DATA.values())} |", "|---" * (1 + len(DATA)) + "|", *rows]) + "\n"


def page(records: list[dict]) -> str:
    """The page of the results, in Markdown."""
    return f"""# Results under one budget

Each row trains with the recipe of its preset (`gan-zoo list`) on both data sets, for the same number of core minutes.
Core minutes are the time that all threads spend on training, so two cores take half as many minutes of wall-clock time.
The table gives mean and standard deviation over seeds, for 10,000 samples of the averaged generator and the 10,000 test
images, with features from the shipped classifiers.

{table(records)}
![Frechet distance against core minutes](images/{PICTURE.name})

The lines show the first seed; the bar at the end of each line is the range over all seeds. The presets themselves were
trained longer; the [gallery](gallery.md) has their scores.

```bash
python -m tests.benchmarks.variants runs/variants --document
```

For this table each run had a core of its own: one process ran with `--data mnist` and another with
`--data fashion_mnist`.

## Published figures

Published Frechet distances cannot be compared with these: a Frechet distance depends on the network that extracts the
features, and papers use Inception, which was trained on photographs. Only the order of variants can be compared. Lucic
et al. (2018) trained each variant with 100 random settings, 15,625 steps and one pair of convolutional networks, and
report the best. Their non-saturating GAN corresponds to our `DCGAN`:

{published()}
That study has no perceptrons, conditional models or f-divergences, and the f-GAN paper reports no Frechet distance.
"""


def document(records: list[dict]) -> None:
    """Results, page and picture into docs."""
    with written_beside(RESULTS) as beside:
        beside.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    with written_beside(PAGE) as beside:
        beside.write_text(page(records), encoding="utf-8")
    with written_beside(PICTURE) as beside:
        picture(records, beside)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--core-minutes", type=float, default=3)
    parser.add_argument("--data", action="append", choices=DATA, help="default: both")
    parser.add_argument("--document", action="store_true")
    arguments = parser.parse_args()
    train_all(arguments.folder, arguments.seeds, arguments.core_minutes, arguments.data or [*DATA])
    if any(missing(arguments.folder, arguments.seeds, [*DATA])):
        return
    records = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(arguments.folder.glob("*.json"))]
    print(table(records))
    if arguments.document:
        document(records)


if __name__ == "__main__":
    main()
