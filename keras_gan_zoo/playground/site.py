"""The folder of the playground: the page, the runtime, the models, and their index."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from keras_gan_zoo.core.downloads import folder as cache_folder
from keras_gan_zoo.core.files import check_place, folder_written_beside
from keras_gan_zoo.core.reading import exists, is_folder
from keras_gan_zoo.core.version import __version__
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.playground.models import GENERATOR, ModelFiles, export_all, name_of
from keras_gan_zoo.playground.runtime import find_runtime
from keras_gan_zoo.zoo.cards import Card, shipped

# One preset for each thing that models take: noise, classes, texts, drawings, pictures.
DEFAULT = (
    "dcgan_fashion_mnist",
    "conditional_gan_mnist",
    "text_to_image_avatars",
    "stackgan_peeps",
    "pix2pix_openmoji",
    "context_encoder_peeps",
    "srgan_peeps",
)
PAGE = Path(__file__).with_name("page")
INDEX = "models.json"
OURS = {"index.html", "models", "pictures", "runtime", INDEX, *(path.name for path in PAGE.iterdir())}


def write(
    models: Sequence[str | os.PathLike],
    folder: str | os.PathLike,
    runtime: str | os.PathLike | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes a folder that any web server can serve: a page that runs models in the browser.

    Models are exported to ONNX and compared with Keras, see `export`. Exports of the package's presets are kept in a
    cache. The page and the folder's index, `models.json`, state the descriptions and licences of presets.

    Args:
        models: Names of presets, run folders, `.keras` files, or `.onnx` files that `export` wrote.
        folder: A new or empty folder, or an earlier one, which is replaced as a whole when the new one is complete.
        runtime: A folder with ONNX Runtime Web, see `playground.runtime.find_runtime`.
        say: Called with a line about each model.

    Returns:
        `folder` as a path.

    Raises:
        InputError: If the runtime is missing, there is something else at `folder`, or a model cannot be exported, or
            takes what the page cannot give, such as vectors of no texts.

    Example:
        ```python
        playground.write(["dcgan_fashion_mnist", "runs/dcgan_digits"], "site")
        ```
    """
    runtime_files, folder = find_runtime(runtime), Path(folder)
    check_place(folder, folder=True)
    if folder.is_dir() and any(folder.iterdir()) and not _may_be_replaced(folder):
        raise InputError(
            f"Expected a new or empty folder, or an earlier playground. Received: {folder}, which holds something "
            "else. Choose another folder."
        )
    with tempfile.TemporaryDirectory() as work, folder_written_beside(folder) as beside:
        shutil.copytree(PAGE, beside, ignore=shutil.ignore_patterns("__pycache__"))
        _copy({f"runtime/{path.name}": path for path in runtime_files}, beside)
        entries = []
        for exported in _exported(models, Path(work)):
            entries.append(exported.entry())
            _copy(exported.files(), beside)
            say(f"{exported.name}: {entries[-1]['size'] / 1000:,.0f} kB")
        index = {"version": __version__, "models": entries}
        (beside / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def _may_be_replaced(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return INDEX in names and names <= OURS


def _copy(files: dict[str, Path], folder: Path) -> None:
    for name, path in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / name)


def _exported(models: Sequence[str | os.PathLike], work: Path) -> Iterator[ModelFiles]:
    """The models in turn, each with its files in a folder of its own."""
    cards, names = shipped(), []
    for source in models:
        names.append(name_of(source, names))
        if str(source) in cards and not exists(source):
            yield ModelFiles(names[-1], _cached(cards[str(source)], work), cards[str(source)])
            continue
        folder = work / names[-1]
        folder.mkdir()
        if Path(source).suffix.lower() == ".onnx":
            shutil.copyfile(OnnxFile(source).path, folder / GENERATOR)
        else:
            _export(source, folder)
        yield ModelFiles(names[-1], folder)


def _cached(card: Card, work: Path) -> Path:
    """The folder with the files of a preset, in the cache, or in another one where the cache cannot be written."""
    known = json.dumps([__version__, card.files, card.sha256], sort_keys=True)
    name = f"{card.name}-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    try:
        folder = cache_folder() / "playground" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = work / name
    if not _is_whole(folder):
        with folder_written_beside(folder) as beside:
            beside.mkdir()
            _export(card.name, beside)
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        return is_folder(folder) and all(OnnxFile(path) for path in [folder / GENERATOR, *folder.glob("*.onnx")])
    except InputError:
        return False


def _export(source: str | os.PathLike, folder: Path) -> None:
    from keras_gan_zoo import zoo  # whose `load` imports TensorFlow

    export_all(zoo.load(source), folder)
