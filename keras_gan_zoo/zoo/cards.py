"""Cards: the facts about a preset, its origin and its quality. This module imports neither NumPy nor Keras."""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_gan_zoo.core.reading import Kind, shown
from keras_gan_zoo.errors import InputError, unknown

PRESET = Kind("preset", "a preset: the folder that save_preset wrote, or a .zip of it", "Get the preset again.")
TABLE = Path(__file__).with_name("presets.toml")
FOLDERS = Path(__file__).with_name("presets")
CARD_FILE = "preset.toml"
GENERATOR, DISCRIMINATOR, CONFIG, GOLDEN = "generator.npz", "discriminator.npz", "config.json", "golden.npz"
FILES = (GENERATOR, DISCRIMINATOR, CONFIG, GOLDEN)
README, PICTURE = "README.md", "samples.png"  # for people, and not needed for loading
_KINDS = {
    **dict.fromkeys(
        ("name", "variant", "description", "paper", "licence", "parent", "stored_as", "selection", "url", "sha256"), str
    ),
    **dict.fromkeys(("data", "encoder", "parameters", "environment", "recipe", "scores", "files"), dict),
    "texts": list,
    "training_minutes": (float, int),
}
_NAME, _DIGEST = re.compile(r"\w[\w.-]*"), re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Card:
    """The facts about a preset: one table of `presets.toml`, or the table in a folder that `save_preset` wrote.

    Args:
        name: The name by which it is loaded.
        variant: A key of `VARIANTS`.
        description: Description in one line.
        paper: Source of the algorithm and the networks.
        licence: Licence of the weights.
        data: `name`, `authors` and `licence` of the data set, as far as they are known.
        encoder: `name` and `digest` of what turns texts into vectors, if the model takes texts.
        texts: The texts of its picture, one for each row.
        parent: Name of the preset that it was made from, if any.
        parameters: Number of parameters of `generator` and `discriminator`.
        stored_as: Type of the numbers in the files, such as "float32", or "float16" for half the size.
        training_minutes: Duration of the training, on the machine of `environment`.
        selection: How many seeds were trained, and how the one at hand and its state were chosen.
        environment: Versions of Python and libraries, number of cores.
        recipe: A complete `recipe.Recipe`, with which `gan-zoo train --preset` trains it again.
        scores: `generated` and `reference`, lists of `metrics.Result`s as dictionaries, each with its protocol.
        files: SHA-256 of each file.
        url: URL of a `.zip` with the preset, if its files are not in the package.
        sha256: SHA-256 of that archive.

    Raises:
        InputError: If a value is invalid.
    """

    name: str
    variant: str
    description: str = ""
    paper: str = ""
    licence: str = ""
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    encoder: dict[str, str] = dataclasses.field(default_factory=dict)
    texts: list[str] = dataclasses.field(default_factory=list)
    parent: str = ""
    parameters: dict[str, int] = dataclasses.field(default_factory=dict)
    stored_as: str = "float32"
    training_minutes: float | None = None
    selection: str = ""
    environment: dict[str, Any] = dataclasses.field(default_factory=dict)
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    scores: dict[str, list[dict]] = dataclasses.field(default_factory=dict)
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    url: str | None = None
    sha256: str | None = None

    def __post_init__(self):
        for key, kind in _KINDS.items():
            value = getattr(self, key)
            if value is not None and not isinstance(value, kind):
                what = {str: "text", dict: "a table", list: "a list"}.get(kind, "a number")
                raise InputError(f"Expected {key} of the preset {self.name} as {what}. Received: {value!r}.")
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"Expected the name of a preset in letters, digits and '_', '-', '.'. Received: {self.name!r}."
            )
        for name, digest in self.files.items():
            if name not in FILES:
                raise unknown("file of a preset", name, FILES)
            if not _DIGEST.fullmatch(str(digest)):
                raise InputError(f"Expected the SHA-256 of {name} in {self.name}, 64 hex digits. Received: {digest!r}.")
        if (self.url is None) != (self.sha256 is None) or (self.url is None) == (not self.files):
            raise InputError(
                f"Expected the files of {self.name} with their SHA-256, or url and sha256. Received others."
            )

    @property
    def folder(self) -> Path:
        """The folder of the files of a preset in the package."""
        return FOLDERS / self.name

    @property
    def size(self) -> int | None:
        """Size of the generator's file in bytes; None if it is not in the package."""
        path = self.folder / GENERATOR
        return path.stat().st_size if path.is_file() else None

    def figures(self, row: str = "generated") -> dict[str, float]:
        """Figures by name: `frechet_distance`, or `precision_recall.precision` if a metric has several."""
        figures = {}
        for result in self.scores.get(row, []):
            figures |= figures_of(result)
        return figures

    def table(self) -> dict[str, Any]:
        """The plain values for a TOML table, without empty ones and without the name, which is the table's title."""
        values = dataclasses.asdict(self)
        del values["name"]
        return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


def figures_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures of one result on a card, by the names of `Card.figures`."""
    metric = result["metric"]
    return {metric if name == "value" else f"{metric}.{name}": value for name, value in result["values"].items()}


def scores_of(reports: Sequence) -> dict[str, list[dict]]:
    """The scores of a card, from `metrics.Report`s: results of the samples, and of real images for reference."""
    results = [
        (ours, real) for report in reports for ours, real in zip(report.generated, report.reference, strict=True)
    ]
    rows = zip(("generated", "reference"), zip(*results, strict=True), strict=False)  # none without results
    return {row: [_plain(result.to_dict()) for result in each] for row, each in rows}


def _plain(result: dict) -> dict:
    """A result without None, which TOML does not support."""
    values = {name: float("nan") if value is None else value for name, value in result["values"].items()}
    return {**result, "values": values, "protocol": {k: v for k, v in result["protocol"].items() if v is not None}}


def write(cards: dict[str, Card], path: Path) -> None:
    """Writes a TOML file with a table for each card, in alphabetical order."""
    import tomli_w

    tables = {name: cards[name].table() for name in sorted(cards)}
    path.write_text(tomli_w.dumps(tables), encoding="utf-8")


def read(content: bytes, origin: str | os.PathLike) -> dict[str, Card]:
    """Reads the cards of a TOML file, by name.

    Raises:
        InputError: If it is not TOML, or a table is not a card; the message names `origin`.
    """
    with PRESET.border(origin):
        return {name: _card(name, table) for name, table in tomllib.loads(content.decode("utf-8")).items()}


def _card(name: str, table: Any) -> Card:
    if not isinstance(table, dict) or "variant" not in table:
        raise InputError(f"Expected a table with a variant for each preset. Received: {name}.")
    names = [field.name for field in dataclasses.fields(Card)][1:]
    for key in table:
        if key not in names:
            raise unknown(f"key of the preset {name}", key, names)
    return Card(name, **table)


def shipped() -> dict[str, Card]:
    """The cards of the presets in this package, by name."""
    return read(TABLE.read_bytes(), TABLE)


def list_presets() -> list[str]:
    """Names of the trained models that `load` knows.

    Example:
        >>> "conditional_gan_mnist" in list_presets()
        True
    """
    return sorted(shipped())


def card(name: str) -> Card:
    """The card of a preset of this package.

    Raises:
        InputError: If there is no preset of that name; the message suggests similar names.

    Example:
        >>> card("conditional_gan_mnist").variant
        'conditional_gan'
    """
    cards = shipped()
    if name not in cards:
        raise unknown("preset", name, cards)
    return cards[name]


def nothing_at(source: str | os.PathLike) -> InputError:
    """The error for a source that is neither a path nor a name, with similar names."""
    is_like_a_name = re.fullmatch(r"[\w-]+", str(source))
    hint = f" {unknown('preset', str(source), shipped())}" if is_like_a_name else ""
    return InputError(
        f"Expected a run folder, a .keras file, a preset's name, folder or .zip, or a URL. Received: {shown(source)}, "
        f"which does not exist.{hint} All presets: gan-zoo list."
    )
