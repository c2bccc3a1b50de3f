"""ONNX Runtime Web, which the page runs models with: two files of an npm package that the user installs."""

from __future__ import annotations

import os
from pathlib import Path

from keras_gan_zoo.errors import InputError

FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PACKAGE = Path("node_modules", "onnxruntime-web", "dist")
HERE = (PACKAGE, Path("export", "node") / PACKAGE)  # in the current folder


def find_runtime(folder: str | os.PathLike | None = None) -> list[Path]:
    """The two files of the runtime.

    Args:
        folder: A folder with the files, or with `node_modules` or the package in it; None for `node_modules` here, or
            in `export/node`.

    Returns:
        The paths of `FILES`.

    Raises:
        InputError: If they are missing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in FILES:
        ...         _ = Path(folder, name).write_bytes(b"")
        ...     [path.name for path in find_runtime(folder)]
        ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm']
    """
    places = (
        HERE if folder is None else [Path(folder, part) for part in ("", "dist", PACKAGE, Path(*PACKAGE.parts[1:]))]
    )
    for place in places:
        if all((place / name).is_file() for name in FILES):
            return [place / name for name in FILES]
    searched = " or ".join(str(place) for place in HERE) if folder is None else str(folder)
    raise InputError(
        f"Expected ONNX Runtime Web, which runs the models in the browser. Received: no {' and '.join(FILES)} in "
        f"{searched}. Install it here: npm install onnxruntime-web"
    )
