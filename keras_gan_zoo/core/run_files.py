"""Names of the files in the folder of a run."""

import re
from pathlib import Path

RECIPE_FILE = "recipe.toml"
MODEL_FILE = "gan.keras"
LOG_FILE = "log.csv"
SAMPLES, LAST_SAMPLES = "samples", "samples.png"
SNAPSHOTS, SNAPSHOT_SUFFIX = "snapshots", ".snapshot"
SNAPSHOT_FILES = f"step_*{SNAPSHOT_SUFFIX}"
SCORES_FILE, NEIGHBOURS_FILE = "scores.json", "neighbours.png"  # which `gan-zoo evaluate` writes, if it is asked to


def step_in(snapshot: Path) -> int | None:
    """The step in the name of a snapshot's file; None if it is no such name, or that of a folder."""
    step = step_named(snapshot.stem)
    return None if step is None or snapshot.is_dir() else step


def step_named(stem: str) -> int | None:
    """The step in the name of a snapshot's file, without its suffix; None if it is no such name."""
    named = re.fullmatch(r"step_(\d{1,18})", stem, flags=re.ASCII)
    return None if named is None else int(named[1])


def position_in(picture: Path) -> tuple[int, ...]:
    """The position in the name of a picture: the number of finished epochs and, within an epoch, the model's step.

    Example:
        >>> position_in(Path("epoch_0002_step_0000150.png"))
        (2, 150)
    """
    return tuple(int(number) for number in re.findall(r"\d+", picture.stem))
