"""What is read from the source is what Python says of the objects themselves."""

import dataclasses
import inspect

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core import registry, signatures
from keras_gan_zoo.core.signatures import REQUIRED
from keras_gan_zoo.training import Recipe

HOMES = [row.home for row in (*registry.VARIANTS.values(), *registry.ARCHITECTURES.values())]


def literal(default):
    return default if default is None or isinstance(default, (bool, int, float, str)) else None


def of_python(function) -> dict:
    """Names and defaults of what can be given by name, but for self and cls."""
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind.name in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")]
    defaults = {each.name: REQUIRED if each.default is each.empty else literal(each.default) for each in named}
    return {name: default for name, default in defaults.items() if name != "self"}


def defaults_of(home: str) -> dict:
    return {name: argument.default for name, argument in signatures.arguments(home).items()}


@pytest.mark.parametrize("home", HOMES)
def test_arguments_and_defaults_are_those_of_the_object(home):
    taker = registry.load(home)
    if not inspect.isclass(taker):
        assert defaults_of(home) == of_python(taker)
        return
    of_bases = [kind.__init__ for kind in reversed(taker.__mro__) if kind.__module__.startswith("keras_gan_zoo")]
    expected = {}
    for constructor in of_bases:
        expected |= of_python(constructor)
    assert defaults_of(home) == {name: expected[name] for name in defaults_of(home)}
    assert {name for name in expected if name not in ("args", "kwargs")} == set(defaults_of(home))


@pytest.mark.parametrize("variant", registry.VARIANTS)
def test_methods_are_found_in_the_bases(variant):
    home = registry.VARIANTS[variant].home
    assert defaults_of(f"{home}.for_images") == of_python(kgz.VARIANTS[variant].for_images)
    shown = signatures.returned(f"{home}.paper_networks")
    assert shown.items() <= kgz.VARIANTS[variant].paper_networks((8, 8, 1)).items()


def test_fields_of_a_recipe():
    fields = signatures.arguments("training.recipe:Recipe")
    assert list(fields) == [field.name for field in dataclasses.fields(Recipe)]
    assert (fields["epochs"].annotation, fields["epochs"].kind) == ("int | None", "int")
    assert (fields["data"].default, fields["retries"].default, fields["metrics"].default) == (REQUIRED, 0, None)


@pytest.mark.parametrize("home", [*HOMES, "training.recipe:Recipe"])
def test_docstrings_say_something_of_every_argument(home):
    for name, argument in signatures.arguments(home).items():
        assert argument.text, name
        assert "  " not in argument.text
    assert signatures.arguments("training.recipe:Recipe")["seed"].text == (
        "Seed of the initial weights, the noise and the order of the data."
    )
