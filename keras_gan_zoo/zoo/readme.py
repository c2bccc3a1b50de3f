"""The model card of a preset, `README.md`: a block of metadata that hubs read, and a page for people."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_gan_zoo.zoo.cards import PICTURE, Card, figures_of

# Kinds of models by the names that the Hugging Face Hub has for them. Models with classes have no name of their own.
FROM_NOISE, FROM_TEXTS, FROM_PICTURES = "unconditional-image-generation", "text-to-image", "image-to-image"
LICENCES = (  # common ones by their names on that hub
    *("apache-2.0", "bsd-3-clause", "gpl-3.0", "mit", "ofl-1.1", "openrail", "unlicense", "cc0-1.0"),
    *("cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
)
HUB_DATA = {"mnist": "ylecun/mnist", "fashion_mnist": "zalando-datasets/fashion_mnist", "cifar10": "uoft-cs/cifar10"}
NO_GANS = ("vae",)
SAFETY = """The files hold numbers and a description of the networks, no code. Each is compared with its SHA-256 in
`preset.toml` before it is read."""
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&#$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word is only that
_BLOCK = re.compile(r"^(\d{0,9})([-+=.)](?:\s|$)|[-=]{2})")  # what begins a list or a rule, or makes a heading


def page(
    card: Card,
    source: str,
    task: str = "",
    classes: Sequence[str] = (),
    takes_vectors: bool = False,
    has_picture: bool = False,
) -> str:
    """The model card in Markdown, below its metadata in YAML.

    Args:
        card: The facts.
        source: What `load` takes: a folder's name, or the model's URL on a hub.
        task: `FROM_NOISE`, `FROM_TEXTS` or `FROM_PICTURES`; empty for models that make no images.
        classes: The names of the classes that it takes, if any.
        takes_vectors: Whether it takes vectors that are no texts.
        has_picture: Whether `PICTURE` lies beside the page.
    """
    parts = [
        f"---\n{_metadata(card, task)}---",
        f"# {_escaped(card.name)}",
        _BLOCK.sub(r"\1\\\2", _escaped(card.description)),
        f"![Samples, not selected]({PICTURE})" if has_picture else "",
        f"Paper: {_with_links(card.paper)}." if card.paper else "",
        *_use(card, source, task, takes_vectors),
        f"Classes, of which `labels=` or `--label` chooses one: {', '.join(map(_escaped, classes))}."
        if classes
        else "",
        SAFETY,
        *_scores(card),
        *_recipe(card),
        *_origin(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


# -------------------------------------------------------------------------------------------------------- for hubs


def _metadata(card: Card, task: str) -> str:
    """The values that hubs read, a line for each. In this form, YAML is JSON but for some characters and numbers."""
    licence = card.licence.lower().replace(" ", "-")
    is_known = licence in LICENCES
    values = {
        "library_name": "keras-gan-zoo",
        "license": licence if is_known else "other" if licence else "",
        "license_name": "" if is_known else card.licence,
        "tags": [
            *dict.fromkeys(["keras", "tensorflow", card.variant if card.variant in NO_GANS else "gan", card.variant])
        ],
        "datasets": [HUB_DATA[name] for name in [card.data.get("name")] if name in HUB_DATA],
        "pipeline_tag": task,
        "model-index": _index(card, task),
    }
    return "".join(f"{name}: {_yaml(value)}\n" for name, value in values.items() if value)


def _index(card: Card, task: str) -> list[dict[str, Any]]:
    """The scores as hubs read them; those that are no numbers are left out."""
    results = card.scores.get("generated", [])
    metrics = [
        {"type": name, "value": value, "name": name}
        for result in results
        for name, value in figures_of(result).items()
        if math.isfinite(value)
    ]
    if not metrics:
        return []
    data = str(card.data.get("name", "unknown"))
    split = results[0]["protocol"].get("split")
    dataset = {"type": HUB_DATA.get(data, data), "name": data, **({"split": str(split)} if split else {})}
    return [
        {"name": card.name, "results": [{"task": {"type": task or "other"}, "dataset": dataset, "metrics": metrics}]}
    ]


def _yaml(value: Any) -> str:
    """A value in YAML, on one line."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(key)}: {_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    text = json.dumps(value)
    return re.sub(r"^(-?\d+)(?=e)", r"\1.0", text)  # 1e-05 would be a text in YAML 1.1


def _quoted(text: str) -> str:
    """A text in quotes. Unlike JSON's, YAML's escapes are of whole characters, and it has more that need one."""
    return "".join(
        char if char.isprintable() else f"\\U{ord(char):08x}" for char in json.dumps(text, ensure_ascii=False)
    )


# ------------------------------------------------------------------------------------------------------- for people


def _use(card: Card, source: str, task: str, takes_vectors: bool) -> Iterable[str]:
    """How the model is loaded and used: in Python, and on the command line."""
    text = _line(card.texts[0]) if card.texts else "what to make"
    command, given, call = "sample", "-n 64", "sample(16, seed=0)"
    if task == FROM_PICTURES:
        command, given, call = "translate", "picture.png", "translate(pictures)  # uint8, (n, height, width, channels)"
    elif task == FROM_TEXTS:
        given, call = f"--text {shlex.quote(text)}", f"sample(16, text={_string(text)}, seed=0)"
    elif takes_vectors:
        given, call = "--conditions vectors.npy", "sample(16, conditions=vectors, seed=0)"
    package = "'keras-gan-zoo[hub]'" if source.startswith("hf://") else "keras-gan-zoo"
    yield "## Use"
    yield f"```python\nimport keras_gan_zoo as kgz\n\ngan = kgz.load({_string(source)})\nmade = gan.{call}\n```"
    line = f"gan-zoo {command} {shlex.quote(source)} {given} -o made.png"
    yield f"```bash\npip install {package}\n{line}\n```"


def _scores(card: Card) -> Iterable[str]:
    generated, reference = card.figures(), card.figures("reference")
    if not generated:
        return
    compared = any(map(math.isfinite, reference.values()))  # not with translators: other images are no translations
    heads = ("score", "samples", *(("real images in their place",) if compared else ()))
    rows = [
        (name, f"{value:.4g}", *((f"{reference.get(name, math.nan):.4g}",) if compared else ()))
        for name, value in generated.items()
    ]
    yield "## Scores"
    yield _table(heads, rows)
    yield "How they were measured:"
    results = card.scores["generated"]
    yield "\n".join(f"- {_escaped(result['metric'])}: {_escaped(_protocol(result))}" for result in results)


def _recipe(card: Card) -> Iterable[str]:
    if not card.recipe:
        return
    model = card.recipe.get("model", {})
    values = {**{name: value for name, value in card.recipe.items() if name != "model"}, **model}
    yield "## Recipe"
    yield _table(("setting", "value"), [(name, _in_words(value)) for name, value in values.items() if value != []])
    if card.training_minutes is not None:
        cores = card.environment.get("cores")
        on = f", on {cores} core{'s' * (cores != 1)}" if cores else ""
        yield f"Training took {card.training_minutes:g} minutes{on}."
    if card.selection:
        yield f"Selection: {_escaped(card.selection)}."


def _origin(card: Card) -> Iterable[str]:
    """Data and licences, and what else is known of where the weights come from."""
    data, sizes = card.data, (f"{player} {number:,}" for player, number in card.parameters.items())
    facts = {
        "Licence of the weights": card.licence or "none stated",
        "Data": ", ".join(str(data[key]) for key in ("name", "split", "authors") if data.get(key)),
        "Licence of the data": str(data.get("licence", "")),
        "Then": str(data.get("then", "")),
        "Made from the preset": card.parent,
        "Texts become vectors by": card.encoder.get("name", ""),
        "Parameters": ", ".join(sizes),
        "Numbers are stored as": card.stored_as,
    }
    yield "## Data and licences"
    yield "\n".join(f"- {name}: {_escaped(value)}" for name, value in facts.items() if value)


def _protocol(result: Mapping[str, Any]) -> str:
    """How something was measured, in one line; digests say nothing to a reader, and `preset.toml` has them."""
    entries = {key: _in_words(value) for key, value in result["protocol"].items()}
    return ", ".join(f"{key} {value}" for key, value in entries.items() if not _is_digest(value))


def _is_digest(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{32,}", text) is not None


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(_in_words, value)) if isinstance(value, (list, tuple)) else str(value)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_escaped, row))} |" for row in rows)])


def _with_links(text: str) -> str:
    """A source whose address readers can click."""
    parts = re.split(r"(https://[\w./-]+)", _line(text))
    return "".join(f"<{part}>" if place % 2 else _MARKDOWN.sub(r"\\\g<0>", part) for place, part in enumerate(parts))


def _escaped(text: str) -> str:
    """A text of somebody as Markdown that shows it, on one line: it makes no link, picture, table or HTML."""
    return _MARKDOWN.sub(r"\\\g<0>", _line(text))


def _string(text: str) -> str:
    """A text as a literal of Python."""
    return json.dumps(_line(text), ensure_ascii=False)


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
