"""What a shell completes in a command: names that can be chosen, presets, data sets, classes. No TensorFlow is needed.

Where nothing fits what was typed, names of files are completed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from keras_gan_zoo.core import registry
from keras_gan_zoo.zoo.cards import CARD_FILE, CONFIG, FOLDERS, shipped

Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
TABLES = re.compile(r"\b(?:a key|names|one) of `(?:\w+\.)*([A-Z_]+)`", flags=re.I)  # in the docstring of an argument


def of_argument(name: str, text: str) -> Completion | None:
    """The completion of an argument of recipes, models or networks, by the table that its docstring names."""
    if name == "data":
        return data_sets
    if name == "from_preset":
        return presets
    table = TABLES.search(text)
    return _of_names(getattr(registry, table[1])) if table else None


def data_sets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Data sets with a known name."""
    return _fitting(dict.fromkeys(registry.DATA_SETS), incomplete)


def presets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Presets of this package, with what they make."""
    return _fitting({name: card.description for name, card in shipped().items()}, incomplete)


def classes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The classes of the preset that the command names before."""
    source = context.params.get("source") or next(iter(context.args), "")  # where click has not come to it yet
    folder = Path(source) if (Path(source) / CARD_FILE).is_file() else FOLDERS / source
    try:
        names = json.loads((folder / CONFIG).read_bytes())["config"]["class_names"] or ()
    except (OSError, ValueError, KeyError, TypeError):  # it is no preset, or has no classes
        return []
    return _fitting(dict.fromkeys(map(str, names)), incomplete, or_files=False)


def _of_names(names: Iterable[str]) -> Completion:
    """The completion of names, also of several with commas between them."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, _ = incomplete.rpartition(",")
        return _fitting({f"{before}{comma}{name}": None for name in names}, incomplete, or_files=False)

    return complete


def _fitting(helps: Mapping[str, str | None], incomplete: str, or_files: bool = True) -> list[CompletionItem]:
    """Those of the names that begin with what was typed, with their helps; or what makes a shell complete files."""
    found = [CompletionItem(name, help=help) for name, help in helps.items() if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")] * or_files
