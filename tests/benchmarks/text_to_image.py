"""Do pictures show what their captions say? Text-to-image models beside real pictures and answers that need no model.

    python -m tests.benchmarks.text_to_image evaluate runs/text_to_image_avatars   # presets, files, runs: several seeds
    python -m tests.benchmarks.text_to_image ablation --steps 4000                 # five variants, three seeds

`evaluate` samples a picture for each of 1,500 captions that mention everything: those of unseen pictures, the same in
words in which no training caption is put, and those of pictures whose combinations of attributes no training picture
has. The "reporting" classifier of `attributes` reads the pictures, and `matching` gives the R-precision. Beside the
samples are real pictures of the captions; for each caption the training picture that has the nearest caption, by the
cosine of the vectors of the encoder "characters"; the samples, but each as if drawn for another caption; the most
frequent values. Means and standard deviations are over models.

Diversity is the mean distance between two pictures of a caption, over 64 captions of unseen pictures: those whose
attributes most training pictures have, exactly. These are the real pictures. There are 16 samples of each caption; for
comparison, the samples of 16 captions from one noise. Distances are Euclidean, between features of the reporting
classifier, and root mean squares between pixels in [-1, 1].

`ablation` trains five variants for equally many steps from the same seeds. Of each run it keeps the model that draws
the first 500 test captions best, as the "selecting" classifier sees it. The other test captions give the table. When it
was interrupted, it goes on where it stopped.
"""

import argparse
import gc
import json
import os
import re
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo import data, metrics, pictures
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.latent.noise import truncated_noise
from keras_gan_zoo.state.identity import sha256_of_weights
from tests.benchmarks.attributes import FOLDER, markdown, reader
from tests.benchmarks.matching import encoded, matcher
from tests.benchmarks.text_scores import (
    Asked,
    Judges,
    copies,
    diversity,
    drawn,
    reporting,
    scores_of_model,
    scores_without_model,
    selecting,
)

ROWS = {  # arguments of the variants
    "GAN-INT-CLS": {},
    "without INT": {"interpolation": False},
    "without CLS": {"matching_aware": False},
    "neither": {"interpolation": False, "matching_aware": False},
    "without inner product": {"projection": False},
}
LOOKS = 10
GRID = 8  # captions, and samples of each


class Measurement:
    """What the scores of the models of one data set need; judges that are not in the folder are trained."""

    def __init__(self, name: str, folder: Path):
        self.name, self.asked = name, reporting(name)
        self.judges = Judges(reader(name, "reporting", folder), matcher(name, folder))
        self.training = encoded(data.load(name))

    def of_models(self, models: dict, out: Path) -> dict:
        """All results, by model; pictures of each model go into a folder."""
        judges, test = self.judges, self.asked["unseen"]
        return {
            "data": self.name,
            "captions": {name: len(asked.texts) for name, asked in self.asked.items()},
            "judges": {judge.model.name: sha256_of_weights(judge.model) for judge in (judges.reader, judges.matcher)},
            "without model": {
                name: scores_without_model(asked, self.training, judges) for name, asked in self.asked.items()
            },
            "copies among test pictures": copies(test.pictures.examples, self.training.pictures)[0],
            "models": {name: self.of_model(load(), out / f"{name}_") for name, load in models.items()},
        }

    def of_model(self, gan, prefix: Path) -> dict:
        """The results of one model, and the beginning of the names of its pictures."""
        test, training = self.asked["unseen"], self.training.pictures
        samples = drawn(gan, test.texts)
        figures, neighbours = copies(samples, training)
        pictures.save(neighbours.picture(samples, training.examples), f"{prefix}nearest.png")
        pictures.save(sheet(gan, test), f"{prefix}captions.png")
        return {
            "steps": gan.steps_done,
            "scores": {name: scores_of_model(gan, asked, self.judges) for name, asked in self.asked.items()},
            "diversity": diversity(gan, test, training, self.judges),
            "copies": figures,
        }


def report(results: dict, name: str) -> metrics.Report:
    """The scores of a model and of real pictures, for the model's card."""
    judges = {f"{judge}_sha256": digest for judge, digest in results["judges"].items()}
    protocol = {"data": results["data"], "seed": 0, **judges}

    def shown(scores: dict, row: str) -> list[metrics.Result]:
        names = {captions: re.sub(r"\W", "_", f"attributes_{captions}") for captions in scores}
        return [
            metrics.Result(names[captions], rows[row], {**protocol, "captions": results["captions"][captions]})
            for captions, rows in scores.items()
        ]

    samples, real = (
        shown(results["models"][name]["scores"], "samples"),
        shown(results["without model"], "real pictures"),
    )
    return metrics.Report(name, samples, real)


def sheet(gan, asked: Asked):
    """A row for each of the first captions: the real picture, then samples, with the same noise in a column."""
    noise = truncated_noise(GRID, gan.noise_shape(), seed=0)
    rows = [
        np.concatenate([asked.pictures.examples[[i]] / np.float32(127.5) - 1, drawn(gan, [text] * GRID, noise)])
        for i, text in enumerate(asked.texts[:GRID])
    ]
    return pictures.grid(np.concatenate(rows), columns=1 + GRID)


def spread(values, digits: int = 3) -> str:
    """The mean over models, with the standard deviation if there are several.

    Example:
        >>> spread([0.5, 0.6]), spread([0.5])
        ('0.550 ± 0.071', '0.500')
    """
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"


def over(entries: list[dict]) -> dict[str, str]:
    """The spread of each figure over models."""
    return {name: spread([entry[name] for entry in entries]) for name in entries[0] if name != "between groups"}


def table(head: str, rows: dict[str, dict[str, str]]) -> str:
    """In Markdown, a column for each figure; a row may lack some."""
    columns = [*max(rows.values(), key=len)]
    return markdown(
        [head, *columns], [[name, *(row.get(column, "") for column in columns)] for name, row in rows.items()]
    )


def page(results: dict) -> str:
    """All tables of `Measurement.of_models`, in Markdown."""
    models, parts = list(results["models"].values()), []
    for name, others in results["without model"].items():
        rows = {row: over([model["scores"][name][row] for model in models]) for row in models[0]["scores"][name]}
        parts.append(table(f"captions: {name}", rows | {row: over([scores]) for row, scores in others.items()}))
    kinds = models[0]["diversity"]
    parts.append(table("distance", {kind: over([model["diversity"][kind] for model in models]) for kind in kinds}))
    nearest = {"samples": over([model["copies"] for model in models])}
    nearest["test pictures"] = over([results["copies among test pictures"]])
    parts.append(table("nearest training picture", nearest))
    return "\n".join(parts)


class Looks(keras.callbacks.Callback):
    """Keeps the model that the selecting classifier likes best, and what it saw after each epoch.

    Args:
        name: The data set.
        judge: The classifier.
        folder: Of `looks.json` and `best.keras`.
    """

    def __init__(self, name: str, judge, folder: Path):
        super().__init__()
        self.asked, self.judge = selecting(name), Judges(judge, None)
        self.folder, self.file = folder, folder / "looks.json"

    def on_epoch_end(self, epoch, logs=None):
        shares = self.judge.rates(drawn(self.model, self.asked.texts), self.asked)
        before = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else []
        before = [look for look in before if look["steps"] < self.model.steps_done]  # the run may have gone back
        if shares["mean"] > max((look["mean"] for look in before), default=0):
            with written_beside(self.folder / "best.keras") as beside:
                self.model.save(beside)
        write(self.file, [*before, {"steps": self.model.steps_done, **shares}])


def write(file: Path, content) -> None:
    with written_beside(file) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def train(folder: Path, judge, arguments: dict, seed: int, options) -> None:
    """Trains one variant, or goes on with it."""
    keras.backend.clear_session()
    gc.collect()
    folder.mkdir(parents=True, exist_ok=True)
    dataset = data.load(options.data)
    recipe = {"width": options.width, "ema_decay": options.ema, "r1": options.r1}
    gan = kgz.TextToImageGAN.for_images(dataset.example_shape, seed=seed, **recipe, **arguments)
    gan.compile(*(gan.paper_optimizer(options.learning_rate) for _ in range(2)))
    callbacks = [kgz.callbacks.Snapshots(folder / "snapshots"), Looks(options.data, judge, folder)]
    epoch = {"steps_per_epoch": max(1, options.steps // LOOKS), "epochs": LOOKS}
    gan.fit(dataset, batch_size=options.batch_size, **epoch, callbacks=callbacks, verbose=0)
    write(folder / "done.json", {"steps": gan.steps_done, "arguments": arguments, "seed": seed})


def train_all(options) -> dict[str, list[Path]]:
    """Trains what is not finished; the folders of the runs of each variant."""
    runs = {row: [options.out / f"{row.replace(' ', '_')}_{seed}" for seed in range(options.seeds)] for row in ROWS}
    jobs = [(seed, row) for seed in range(options.seeds) for row in ROWS]
    left = [job for job in jobs if not (runs[job[1]][job[0]] / "done.json").exists()]
    judge, begun = reader(options.data, "selecting", options.judges), time.monotonic()
    for number, (seed, row) in enumerate(left):
        train(runs[row][seed], judge, ROWS[row], seed, options)
        minutes = (time.monotonic() - begun) / 60 * (len(left) / (number + 1) - 1)
        print(f"{number + 1} of {len(left)}: {row}, seed {seed}; about {minutes:.0f} minutes left", flush=True)
    return runs


def ablation(options) -> None:
    runs = train_all(options)
    measurement = Measurement(options.data, options.judges)
    rows = {}
    for row, folders in runs.items():
        models = [kgz.load(folder / "best.keras") for folder in folders]
        for name, asked in measurement.asked.items():
            scores = [measurement.judges.scores(drawn(gan, asked.texts), asked) for gan in models]
            rows[row, name] = scores
    write(
        options.out / "ablation.json", [{"row": row, "captions": name, "scores": s} for (row, name), s in rows.items()]
    )
    for name in measurement.asked:
        print(table(f"captions: {name}", {row: over(rows[row, name]) for row in runs}))


def evaluate(options) -> None:
    models = {"_".join(Path(name).parts).strip("/_"): lambda name=name: kgz.load(name) for name in options.models}
    options.out.mkdir(parents=True, exist_ok=True)
    results = Measurement(options.data, options.judges).of_models(models, options.out)
    write(options.out / "scores.json", results)
    for name in models:
        report(results, name).save(options.out / f"{name}_report.json")
    print(page(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run in (evaluate, ablation):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        command.add_argument("--data", default="avatars")
        command.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained classifiers")
        command.add_argument("--out", type=Path, default=Path("build") / f"text_to_image_{run.__name__}")
    commands.choices["evaluate"].add_argument("models", nargs="+", help="presets, files or runs")
    command.add_argument("--seeds", type=int, default=3)
    command.add_argument("--steps", type=int, default=4000)
    command.add_argument("--width", type=int, default=48)
    command.add_argument("--learning-rate", type=float, default=1e-3)
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--ema", type=float, default=0.999)
    command.add_argument("--r1", type=float, default=0.1)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
