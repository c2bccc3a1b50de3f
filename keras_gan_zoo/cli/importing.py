"""`--import FILE`: the user's own classes, for commands that load models."""

import importlib.util
import sys
from pathlib import Path

import click

from keras_gan_zoo.core.reading import Kind

PYTHON = Kind("Python file", "a Python file to import", "Correct it.")

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


@PYTHON.reader
def import_file(file: Path) -> None:
    """Runs a Python file as a module, which may import its neighbours.

    Raises:
        InputError: If it is not such a file, or raises an error.
    """
    file = PYTHON.check(file)
    name = file.stem if file.stem not in sys.modules else f"imported_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PYTHON.refusal(file, "whose name does not end in .py")
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        raise PYTHON.refusal(file, f"which raises {type(error).__name__}: {error}") from error
