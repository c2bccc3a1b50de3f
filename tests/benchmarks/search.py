"""Which recipe makes the best DCGAN within a budget? A search by successive halving (Jamieson and Talwalkar, 2016).

    python -m tests.benchmarks.search fashion_mnist                    # 27 recipes, first for a core minute each
    python -m tests.benchmarks.search fashion_mnist --candidates 9 --minutes 0.5 --jobs 2

Recipes are drawn at random from `SPACE`. Each trains for some minutes of one core, and the better third trains anew for
three times as long, until one is left. The Frechet distance of 5,000 samples from as many training images decides,
in features of a "selecting" classifier, which is trained when it is first needed. A schedule ends when the time does.

The winner, and the default recipe beside it, then train for the time of the last round by three seeds that the search
has not used, on this data set and on another one of the same shape. The classifier that comes with the package reports
on 10,000 samples and the test images. When the command was interrupted, it goes on where it stopped; `search.md` in
its folder says what was tried.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # also in the processes that train
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo.cli.options import defaults_of
from keras_gan_zoo.errors import NotFiniteError
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks.attributes import FOLDER, markdown
from tests.benchmarks.budget import trained
from tests.benchmarks.text_to_image import over, write
from tests.benchmarks.translation_judges import of_classes
from tests.benchmarks.translation_scores import frechet

VARIANT = "dcgan"
SPACE = {
    "batch_size": (32, 64, 128),
    "learning_rate": (1e-4, 2e-4, 5e-4, 1e-3),
    "decay": (None, 0.5, 1.0),
}
MODELS = {
    "loss": ("non_saturating", "hinge", "relativistic"),
    "ema_decay": (0.99, 0.999, 0.9995),
    "width": (16, 24, 32, 48),
    "augmentation": (None, "translation"),
}
PENALTIES = ((0.0, 0.0), (0.01, 0.0), (0.1, 0.0), (1.0, 0.0), (0.1, 0.1), (1.0, 1.0))  # r1, r2
OTHER = {"mnist": "fashion_mnist", "fashion_mnist": "mnist", "cifar10": None}
THIRD = 3
SELECTED, REPORTED = 5_000, 10_000  # samples
UNSEEN = (101, 102, 103)  # seeds


def drawn(rng: np.random.Generator) -> dict:
    """A recipe at random, without its data and its seed."""
    recipe = {name: values[rng.integers(len(values))] for name, values in SPACE.items()}
    model = {name: values[rng.integers(len(values))] for name, values in MODELS.items()}
    r1, r2 = PENALTIES[rng.integers(len(PENALTIES))]
    alone = {"discriminator_normalization": "none"} if r1 else {}  # a slope is that of a single example
    given = {name: value for name, value in model.items() if value is not None}
    return {**recipe, "model": {**given, "r1": r1, "r2": r2, **alone}}


def halving(candidates: int, minutes: float, judge: Callable) -> Iterator[tuple[int, float, dict[int, float]]]:
    """Rounds of a search, in which ever fewer candidates have ever more time.

    Args:
        candidates: How many there are.
        minutes: Of each in the first round.
        judge: From numbers of candidates and minutes to the distance of each, the smaller the better.

    Yields:
        The number of the round from 1, the minutes, and the distances.

    Example:
        >>> [(minutes, list(found)) for _, minutes, found in halving(9, 1, lambda left, _: {i: -i for i in left})]
        [(1, [0, 1, 2, 3, 4, 5, 6, 7, 8]), (3, [8, 7, 6]), (9, [8])]
    """
    left, number = list(range(candidates)), 1
    while True:
        distances = judge(left, minutes)
        yield number, minutes, distances
        if len(left) == 1:
            return
        left = sorted(left, key=distances.get)[: max(1, len(left) // THIRD)]
        number, minutes = number + 1, minutes * THIRD


def trial(file: Path, recipe: dict, minutes: float, role: str, judges: Path) -> dict:
    """Trains a model and measures it, unless the file has the result."""
    if not file.exists():
        recipe = Recipe(VARIANT, **recipe)
        judge = of_classes(role, recipe.data, judges)
        n, split = (SELECTED, "train") if role == "selecting" else (REPORTED, "test")
        real = kgz.data.load(recipe.data, split=split).examples[:n]
        moments = kgz.metrics.Moments.of(judge(real))
        result = {"steps": 0, "distance": np.inf}  # of one that diverges
        try:
            gan = trained(recipe, minutes)
            result = {"steps": gan.steps_done, "distance": frechet(judge(gan.sample(n, seed=0)), moments)}
        except NotFiniteError:
            pass
        write(file, {"minutes": minutes, **result})
    return json.loads(file.read_text(encoding="utf-8"))


def all_of(jobs: int, trials: dict) -> dict:
    """The results of trials, several at once, each in a process of its own."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        begun = {key: pool.submit(trial, **arguments) for key, arguments in trials.items()}
        return {key: future.result() for key, future in begun.items()}


def searched(options) -> tuple[dict, float, list[list[str]]]:
    """The winner, the minutes that it trained for, and what was tried."""
    rng = np.random.default_rng(options.seed)
    candidates = [{"data": options.data, "seed": 0, **drawn(rng)} for _ in range(options.candidates)]

    def judge(left, minutes):
        arguments = {"minutes": minutes, "role": "selecting", "judges": options.judges}
        trials = {i: {"file": folder(minutes) / f"{i}.json", "recipe": candidates[i], **arguments} for i in left}
        return {i: result["distance"] for i, result in all_of(options.jobs, trials).items()}

    def folder(minutes):
        path = options.out / f"{minutes:g}_minutes"
        path.mkdir(parents=True, exist_ok=True)
        return path

    tried, rounds = {}, []
    for number, minutes, distances in halving(options.candidates, options.minutes, judge):
        rounds.append(f"{minutes:g} core minutes")
        for i, distance in distances.items():
            tried.setdefault(i, []).append(f"{distance:.3f}")
        best = min(distances, key=distances.get)
        print(f"round {number}: {len(distances)} recipes, {minutes:g} minutes each; the best is {best}", flush=True)
    order = sorted(tried, key=lambda i: (-len(tried[i]), float(tried[i][-1])))
    rows = [[str(i), said(candidates[i]), *tried[i], *[""] * (len(rounds) - len(tried[i]))] for i in order]
    return candidates[order[0]], minutes, [["recipe", "its options", *rounds], *rows]


def said(recipe: dict) -> str:
    """The options of a recipe as text."""
    options = {**recipe, **recipe["model"]}
    return ", ".join(f"{name} {value}" for name, value in options.items() if name not in ("data", "seed", "model"))


def checked(winner: dict, minutes: float, options) -> dict[str, dict]:
    """The distances of the winner and of the default recipe, by seeds that the search has not used."""
    sets = [name for name in (options.data, OTHER[options.data]) if name]
    recipes = {"the winner": winner, "the default recipe": defaults_of(VARIANT)}
    arguments = {"minutes": minutes, "role": "reporting", "judges": options.judges}
    (options.out / "check").mkdir(parents=True, exist_ok=True)
    trials = {
        (row, name, seed): {
            "file": options.out / "check" / f"{row.split()[1]}_{name}_{seed}.json",
            "recipe": {**recipe, "data": name, "seed": seed},
            **arguments,
        }
        for row, recipe in recipes.items()
        for name in sets
        for seed in UNSEEN
    }
    found = all_of(options.jobs, trials)
    return {row: over([{name: found[row, name, s]["distance"] for name in sets} for s in UNSEEN]) for row in recipes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=OTHER)
    parser.add_argument("--candidates", type=int, default=27)
    parser.add_argument("--minutes", type=float, default=1.0, help="of one core, in the first round")
    parser.add_argument("--jobs", type=int, default=1, help="recipes at once, on a core each")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained classifiers")
    parser.add_argument("--out", type=Path, help="default: build/search/DATA")
    options = parser.parse_args()
    options.out = options.out or Path("build") / "search" / options.data
    of_classes("selecting", options.data, options.judges)  # trained once, before processes need it
    winner, minutes, (head, *rows) = searched(options)
    print(f"the winner: {said(winner)}", flush=True)
    figures = checked(winner, minutes, options)
    sets = list(next(iter(figures.values())))
    result = markdown([f"{minutes:g} core minutes", *sets], [[row, *each.values()] for row, each in figures.items()])
    page = markdown(head, rows) + "\n" + result
    (options.out / "search.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
