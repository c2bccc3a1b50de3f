"""Descriptions of a model and its data, which tell whether a run may be resumed with them.

Names and the values of weights are not part of a description. Files that are made from a model record a digest of its
weights instead."""

import hashlib
import json
from typing import Any

import keras
import numpy as np

from keras_gan_zoo.core.definitions import missing_definition
from keras_gan_zoo.core.reading import cause_of
from keras_gan_zoo.errors import InputError

# The first two change results by rounding only, so a run may be resumed with other replicas. The others are derived.
NOT_COMPARED = ("steps_per_execution", "synchronized", "build_config", "shape")


def describe_run(model, data: dict) -> dict[str, Any]:
    """A compiled model, as Keras serialises it, and the description of its data from `fit`, as plain values."""
    described = keras.saving.serialize_keras_object(model)
    described["compile_config"] = model.compiled_as  # not the present learning rates, which may have changed
    if model.seed_is_drawn:
        described["config"]["seed"] = None
    described = {"model": described, "data": data}
    return json.loads(json.dumps(described, default=keras.saving.serialize_keras_object))  # as if read from a file


def rebuilt(config: dict[str, Any], what: object) -> keras.Model:
    """A new, compiled model from its description by Keras. Its weights are newly initialised.

    Args:
        config: The description.
        what: Whose model it is, for errors.

    Raises:
        InputError: If Keras cannot rebuild it, with the cause.
    """
    try:
        model = keras.saving.deserialize_keras_object(config)
        if not isinstance(model, keras.Model):
            raise TypeError(f"a description of {type(model).__name__}")
        return model
    except Exception as error:  # whatever the constructors of its classes raise
        expected = f"Expected a model that Keras can rebuild in {what}. Received: {cause_of(error)}."
        raise missing_definition(what, error) or InputError(expected) from error


def sha256_of_weights(network: keras.Model) -> str:
    """A digest of the values of all weights, in order."""
    digest = hashlib.sha256()
    for weights in network.get_weights():
        digest.update(f"{weights.dtype}{weights.shape}".encode())
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


def check_same(expected: dict, received: dict) -> None:
    """Raises an `InputError` that lists the differences between two descriptions, if there are any."""
    unnamed = [_without_names(run, _names(run)) for run in (expected, received)]
    lines = sorted(differences(*unnamed), key=lambda line: line.partition(":")[0].count("."))
    if lines:
        listed = "\n  ".join(lines[:12] + ([f"and {len(lines) - 12} more"] if len(lines) > 12 else []))
        raise InputError(
            f"Expected the model and the data that the run began with. Received others:\n  {listed}\n"
            "Restore them, or start a new run in another folder."
        )


def differences(expected, received, path: str = "") -> list[str]:
    """One line for each value that differs.

    Example:
        >>> differences({"model": {"seed": 0, "packing": 1}}, {"model": {"seed": 1, "packing": 1}})
        ['model.seed: 0 in the run, now 1']
    """
    if isinstance(expected, dict) and isinstance(received, dict):
        pairs = [(name, expected.get(name), received.get(name)) for name in {**expected, **received}]
    elif isinstance(expected, list) and isinstance(received, list) and len(expected) == len(received):
        pairs = [(str(number), *pair) for number, pair in enumerate(zip(expected, received, strict=True))]
    else:
        return [] if expected == received else [f"{path}: {_short(expected)} in the run, now {_short(received)}"]
    return [line for name, *pair in pairs for line in differences(*pair, f"{path}.{name}".lstrip("."))]


def _names(config) -> dict[str, str]:
    """Replacements for layer names, which depend on Keras' counters: numbers in the order of first appearance."""
    numbered: dict[str, str] = {}

    def collect(value):
        if isinstance(value, dict):
            if isinstance(value.get("name"), str):
                numbered.setdefault(value["name"], f"#{len(numbered)}")
            for member in value.values():
                collect(member)
        elif isinstance(value, list):
            for member in value:
                collect(member)

    collect(config)
    return numbered


def _without_names(value, names: dict[str, str], within: str = ""):
    if isinstance(value, dict):
        lists_layers = within in (
            "input_layers",
            "output_layers",
        )  # a dictionary by names of inputs or outputs, or a list
        moved = ("module",) if value.get("registered_name") else ()  # a registered class may move to another module
        kept = {key: member for key, member in value.items() if key not in (*NOT_COMPARED, *moved)}
        return {key: _without_names(member, names, within if lists_layers else key) for key, member in kept.items()}
    if isinstance(value, list):
        return [_without_names(member, names, within) for member in value]
    is_name = within in ("name", "keras_history", "input_layers", "output_layers")
    return names.get(value, value) if is_name and isinstance(value, str) else value


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def without_names(model) -> dict:
    """A model as Keras serialises it, without the names of layers."""
    plain = json.loads(json.dumps(model, default=keras.saving.serialize_keras_object))
    return _without_names(plain, _names(plain))
