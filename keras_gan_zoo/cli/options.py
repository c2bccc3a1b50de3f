"""The options of `gan-zoo train`, derived from the arguments of recipes, variants and networks.

Names and defaults come from signatures, help texts from docstrings. Both are read when the options are first needed.
The help is the first sentence of an argument's docstring, in which

- "a key of `TABLE`" is replaced by the names in that table of `core.registry`,
- "None for ..." or "None to ..." is removed, and shown as the default.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.core import registry
from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.signatures import REQUIRED, Argument, arguments, returned
from keras_gan_zoo.errors import unknown

POSITIVE, AT_LEAST_0, AT_LEAST_1 = click.FloatRange(0, min_open=True), click.FloatRange(0), click.IntRange(1)
SHARE, PART = click.FloatRange(0, 1, max_open=True), click.FloatRange(0, 1, min_open=True)
EMA_DECAY = 0.999  # of new recipes: samples of an averaged generator are better, and cost next to nothing


class Name(click.Choice):
    """One of several names, with a hint for those that people use elsewhere."""

    def convert(self, value, param, ctx):
        if value not in self.choices:
            self.fail(str(unknown(param.name if param else "name", value, self.choices)), param, ctx)
        return value


class Place(click.Path):
    """A path on a local disk or on remote storage, such as gs://BUCKET/RUN."""

    def convert(self, value, param, ctx):
        return value if isinstance(value, RemotePath) else place(super().convert(value, param, ctx))


class Seeds(click.IntRange):
    """A seed, or several with commas between them, for a run each."""

    def convert(self, value, param, ctx):
        if not isinstance(value, str) or "," not in value:
            return super().convert(value, param, ctx)
        return tuple(super(Seeds, self).convert(part.strip(), param, ctx) for part in value.split(","))


def _names(_, __, given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]


_BY_ANNOTATION = {
    "int": {"type": AT_LEAST_1},
    "float": {"type": AT_LEAST_0},
    "bool": {"is_flag": True},
    "str": {"metavar": "NAME"},
    "list[str]": {"metavar": "NAMES", "callback": _names},
}
# Options that differ from what the name and the annotation of the argument imply.
_DIFFERENT = {
    "add_source": {"flag": "--add-source/--no-add-source"},
    "alpha": {"type": float},
    "background": {"metavar": "COLOUR"},
    "clip": {"type": POSITIVE},
    "clip_normalization": {"flag": "--clip-normalization/--keep-normalization"},
    "decay": {"type": PART},
    "degradation": {"metavar": "NAME[:NUMBERS]"},
    "depth": {"type": click.IntRange(0)},
    "discriminator_steps": {"flag": "--k"},
    "dropout": {"type": SHARE},
    "ema_decay": {"flag": "--ema", "type": SHARE},
    "encoder": {"type": Name(list(registry.ENCODERS)), "metavar": None},
    "from_preset": {"metavar": "PRESET"},
    "image_size": {"type": click.IntRange(4), "metavar": "PIXELS"},
    "interpolation": {"flag": "--interpolation/--no-interpolation"},
    "learning_rate": {"type": POSITIVE},
    "matching_aware": {"flag": "--matching-aware/--no-matching-aware"},
    "metrics_samples": {"type": click.IntRange(2)},
    "optimizer": {"type": Name(list(registry.VARIANTS)), "metavar": None},
    "pool_size": {"type": click.IntRange(0)},
    "precision": {"metavar": "POLICY"},
    "pretrain_steps": {"type": click.IntRange(0)},
    "projection": {"flag": "--projection/--no-projection"},
    "region": {"metavar": "REGION"},
    "residual_blocks": {"type": click.IntRange(0)},
    "retries": {"type": click.IntRange(0)},
    "seed": {"type": Seeds(0, 2**31 - 1), "metavar": "SEED[,SEED ...]"},
    "sources": {"metavar": "FOLDER"},
    "spectral_normalization": {"flag": "--spectral-normalization/--no-spectral-normalization"},
    "stddev": {"type": POSITIVE},
    "stop_by": {"metavar": "FIGURE"},
    "weight": {"type": float},
}


class RecipeCommand(click.Command):
    """A command with its own options, and one more for each value of a recipe and each argument of a model."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self._own = vars(self).pop("params")

    @functools.cached_property
    def params(self) -> list[click.Parameter]:
        return [*run_options(), *self._own, *model_options()]


@functools.cache
def run_options() -> list[click.Option]:
    """The values of a recipe, except for its variant and the arguments of its model."""
    taken: dict[str, _Taken] = {}
    _add(taken, "", arguments("training.recipe:Recipe"))
    return [what.option(name) for name, what in taken.items() if name not in ("variant", "model")]


@functools.cache
def model_options() -> list[click.Option]:
    """The arguments of models and of their networks, except for those that the data or the run decide."""
    taken: dict[str, _Taken] = {}
    for variant, row in registry.VARIANTS.items():
        _add(taken, variant, {**arguments(f"{row.home}.for_images"), **arguments(row.home)})
    of_models = set(taken)
    for architecture, row in registry.ARCHITECTURES.items():  # models give them what both take, such as packing
        own = {name: argument for name, argument in arguments(row.home).items() if name not in of_models}
        _add(taken, architecture, own, of_networks=True)
    for variant, row in registry.VARIANTS.items():
        of_variant = {**returned(f"{row.home}.paper_networks"), **returned(f"{row.home}.network_defaults")}
        for name, default in of_variant.items():
            if name != "architecture":
                taken[name].defaults.setdefault(_shown(default), []).append(variant)
    taken["ema_decay"].change_default(None, EMA_DECAY)
    optional = {name: what for name, what in taken.items() if all(what.defaults)}
    return [what.option(name) for name, what in optional.items() if name not in registry.DECIDED_ELSEWHERE]


def defaults_of(variant: str) -> dict:
    """What a new recipe of a variant has where the model itself has another default."""
    row = registry.VARIANTS[variant]
    taken = {**arguments(row.home), **arguments(f"{row.home}.for_images")}
    can_average = "ema_decay" in taken and taken["ema_decay"].default is None
    return {"model": {"ema_decay": EMA_DECAY}} if can_average else {}


@dataclass
class _Taken:
    """An argument that several variants or networks take under one name.

    Args:
        kind: The first name in its annotation.
        text: Its entry in the docstring of the first that takes it.
        of_networks: Whether networks take it, rather than variants.
        takers: Names of the variants or networks that take it.
        defaults: Each default as the help shows it, with the names that have it; "" for arguments without a default.
    """

    kind: str
    text: str
    of_networks: bool
    takers: list[str] = field(default_factory=list)
    defaults: dict[str, list[str]] = field(default_factory=dict)

    def change_default(self, old, new) -> None:
        """Replaces a default, which comes first from then on."""
        takers = self.defaults.pop(_shown(old)) + self.defaults.pop(_shown(new), [])
        self.defaults = {_shown(new): takers, **self.defaults}

    def option(self, name: str) -> click.Option:
        settings = {"default": None, **_BY_ANNOTATION[self.kind], **_DIFFERENT.get(name, {})}
        flag = settings.pop("flag", f"--{name.replace('_', '-')}")
        complete = None if isinstance(settings.get("type"), click.Choice) else completion.of_argument(name, self.text)
        return click.Option([flag, name], help=self.help(), shell_complete=complete, **settings)

    def help(self) -> str:
        others = [] if self.of_networks else [name for name in registry.VARIANTS if name not in self.takers]
        whose = f"all but {others[0]}" if len(others) == 1 else ", ".join(self.takers)
        whose = f"{whose} networks" if self.of_networks else whose if others else ""
        text = f"{whose}: {_continued(_sentence(self.text))}" if whose else _sentence(self.text)
        first, *others = self.defaults
        default = "; ".join([first, *(f"{other} for {', '.join(self.defaults[other])}" for other in others)])
        return f"{text}  [default: {default}]" if default else text


def _add(taken: dict[str, _Taken], taker: str, their: Mapping[str, Argument], of_networks: bool = False) -> None:
    for name, argument in their.items():
        what = taken.setdefault(name, _Taken(argument.kind, argument.text, of_networks))
        what.takers.append(taker)
        what.defaults.setdefault(_default(argument), []).append(taker)


# ---------------------------------------------------------------------------------------------------------------- words

_NONE = re.compile(r"[;,]? None (?:for|to) ([^;.]+(?:\.\d+)?)")


def _sentence(text: str) -> str:
    """The first sentence of an argument's docstring, as the help shows it."""
    text = completion.TABLES.sub(lambda match: _listing(getattr(registry, match[1])), _NONE.sub("", text))
    return re.split(r"(?<=\.) (?=[A-Z`\"])", text)[0].replace("`", "").replace('"', "")


def _listing(names: Iterable[str]) -> str:
    """Names, with their paper in brackets after each group from one paper."""
    papers = names if isinstance(names, Mapping) else {}
    groups = itertools.groupby(names, lambda name: papers[name].paper if name in papers else "")
    return ", ".join(f"{', '.join(group)} ({paper})" if paper else ", ".join(group) for paper, group in groups)


def _continued(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _default(argument: Argument) -> str:
    """A default as the help shows it; for None, what the docstring says it stands for."""
    if argument.default is REQUIRED:
        return ""
    said = _NONE.search(argument.text)
    return said[1] if argument.default is None and said else _shown(argument.default)


def _shown(default) -> str:
    if default is None or isinstance(default, bool):
        return {None: "none", True: "on", False: "off"}[default]
    return f"{default:g}" if isinstance(default, float) else str(default)
