"""The text of a recipe: its values in TOML, and their digest, which tells whether they are those that were written."""

import hashlib
import json
import tomllib
from typing import Any

import tomli_w

from keras_gan_zoo.core.reading import Kind, cause_of
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError

RECIPE = Kind("recipe", "the file of a recipe, in TOML", "Check the path, or take the recipe.toml of another run.")
DIGEST = "digest"  # comes first, so that it is still there when the end of the file is missing


def with_digest(values: dict[str, Any]) -> str:
    """The text of values, and their digest.

    Example:
        >>> text = with_digest({"epochs": 3})
        >>> values_in(text, "recipe.toml")
        {'epochs': 3}
    """
    return tomli_w.dumps({DIGEST: _digest_of(values), **values})


def values_in(text: str, source: object) -> dict[str, Any]:
    """The values in a text, with a warning if they are not those that it was written with. Not all texts have a digest.

    Args:
        text: The content of the file.
        source: What to call it in messages, such as its path.

    Raises:
        InputError: If it is not TOML.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"Expected a recipe in TOML. Received: {source}, which is not ({cause_of(error)}).") from error
    if DIGEST in values and values.pop(DIGEST) != _digest_of(values):
        warn(
            f"{source} was changed after it was written: its {DIGEST} is that of other values. It is used as it is. If "
            f"you changed it, remove the line with the {DIGEST}; if not, the file is damaged: restore it."
        )
    return values


def _digest_of(values: dict[str, Any]) -> str:
    """SHA-256 of values, whatever their order and the layout of the text."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
