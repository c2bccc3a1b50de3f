"""`--import FILE`: the user's own classes, for commands that load models."""

import importlib.util
import sys
from pathlib import Path

import click

from keras_gan_zoo.errors import InputError

import_option = click.option(
    "--import",
    "imports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    expose_value=False,
    callback=lambda _, __, files: [import_file(file) for file in files],
    help="Python file that defines classes of the model and registers them with Keras; it is run. May be repeated.",
)


def import_file(file: Path) -> None:
    """Runs a Python file as a module, which may import its neighbours.

    Raises:
        InputError: If it is not such a file, or raises an error.
    """
    name = file.stem if file.stem not in sys.modules else f"imported_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise InputError(f"Expected a Python file to import. Received: {file}. Check the path; its name ends in .py.")
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        raise InputError(
            f"Expected a Python file that can be imported. Received: {file}, which raises {type(error).__name__}: "
            f"{error}. Correct it."
        ) from error
