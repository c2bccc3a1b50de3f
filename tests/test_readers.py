"""Every reader of a user's file against one nasty set: an error that names the file, soon, and no code is run."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.cli.importing import import_file
from keras_gan_zoo.cli.sampling import read_conditions
from keras_gan_zoo.core import log_files
from keras_gan_zoo.core.reading import READERS
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import parity, readers
from keras_gan_zoo.metrics.features import inception_weights
from keras_gan_zoo.metrics.report import Report
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.snapshot import Snapshot
from keras_gan_zoo.training.recipe import Recipe
from tests import nasty, records
from tests.games import game
from tests.helpers import needs_tfds, zipped

SECONDS = 2  # of the processor; the first call of a reader, which imports its libraries, is not counted
EVERYWHERE = ("foreign", "damages", "nodes", "names")


@dataclass(frozen=True)
class Sample:
    """A whole file, to be replaced by others.

    Args:
        prepare: Writes what is read to a folder, and returns the path of the file in it.
        read: Reads it, given the path of the file.
        groups: Which groups of the nasty set may lie in its place.
        whole: Foreign files that may be read as this kind too.
        named: What errors call it; by default the name of the file.
        count: How many cases of a group are tried, where each takes seconds.
    """

    prepare: Callable[[Path], Path]
    read: Callable
    groups: tuple[str, ...] = EVERYWHERE
    whole: tuple[str, ...] = ()
    named: str | None = None
    count: tuple[tuple[str, int], ...] = ()


def _at(name: str, write: Callable) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        write(folder / name)
        return folder / name

    return prepare


def _snapshot() -> Snapshot:
    gan = game()
    return Snapshot.capture(gan, run=identity.describe_run(gan, {}))


def _result() -> Result:
    return Result("frechet_distance", {"value": 1.0}, {"real": 2})


def _picture(folder: Path) -> Path:
    (folder / "pictures").mkdir()
    (folder / "pictures" / "whole.png").write_bytes(nasty.png())
    (folder / "pictures" / "p.png").write_bytes(nasty.png())
    return folder / "pictures" / "p.png"


def _shard(folder: Path) -> Path:
    (folder / "shards").mkdir()
    for name in ("a", "b"):
        records.write(folder / "shards" / f"{name}.tfrecord", [{"image": nasty.png()}] * 2)
    return folder / "shards" / "a.tfrecord"


def _captions(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        _picture(folder)
        text = "whole.png,a red hat\np.png,no hat\n" if name == "captions.csv" else "a red hat\n"
        (folder / "pictures" / "whole.txt").write_text("a red hat\n")
        if name == "captions.csv":
            (folder / "pictures" / "whole.txt").unlink()
        (folder / "pictures" / name).write_text(text)
        return folder / "pictures" / name

    return prepare


def _run_folder(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        run = folder / "run"
        (run / "snapshots").mkdir(parents=True)
        (run / "recipe.toml").write_text(Recipe("gan", "ring8").to_toml())
        if name == "gan.keras":
            game().save(run / name)
        if name.endswith(".snapshot"):
            _snapshot().write(run / name)
        return run / name

    return prepare


def _load_run(path):
    return kgz.load(path.parents[path.suffix == ".snapshot"])


def _preset(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        game().save_preset(folder / "tiny")
        return folder / "tiny" / name

    return prepare


def _zipped_preset(folder: Path) -> Path:
    game().save_preset(folder / "tiny")
    return zipped(folder / "tiny", folder / "tiny.zip")


def _tfds(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        prepared = next(Path(os.environ["TFDS_DATA_DIR"], "mnist").iterdir())
        place = folder / "tfds" / "mnist" / prepared.name
        shutil.copytree(prepared, place, ignore=shutil.ignore_patterns("*train.tf*"), copy_function=shutil.copyfile)
        return next(place.glob(name))

    return prepare


def _read_tfds(path: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(path.parents[2]))
        return kgz.data.load("mnist", split="test[:50]")


def _read_weights(path):
    """Inception's weights, into a network that is built in an instant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception_weights, "build", _small_network)
        return inception_weights.load(path)


def _small_network():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


def _read_cluster(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CONFIG", path.read_bytes().replace(b"\0", b" ").decode("utf-8", "surrogateescape"))
        return kgz.distribution.strategy("multi_worker")


def _probes() -> list[parity.Probe]:
    return [parity.Probe("noise", {"noise": np.zeros((2, 3), np.float32)})]


def _exported(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        game().export(folder / name.partition("/")[0], format="litert" if name.endswith(".tflite") else "saved_model")
        return folder / name

    return prepare


CLUSTER = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 7}}'
FAST = {
    ("recipe", ""): Sample(_at("recipe.toml", lambda path: path.write_text(Recipe("gan", "x").to_toml())), Recipe.read),
    ("log", ""): Sample(_at("log.csv", lambda path: path.write_text("epoch,g_loss\n0,0.5\n")), log_files.read),
    ("snapshot", ""): Sample(_at("a.snapshot", lambda path: _snapshot().write(path)), Snapshot.read),
    ("ONNX", ""): Sample(_at("g.onnx", nasty.write_onnx), lambda path: OnnxFile(path).sample(2, seed=0)),
    ("arrays", ".npy"): Sample(_at("a.npy", lambda path: np.save(path, np.zeros((9, 8, 8), np.uint8))), kgz.data.load),
    ("arrays", ".npz"): Sample(_at("a.npz", lambda path: np.savez(path, x=np.zeros((9, 8), "f4"))), kgz.data.load),
    ("picture", ""): Sample(
        _picture,
        lambda path: kgz.data.load(path.parent),
        ("foreign", "damages", "nodes"),
        ("a picture", "a folder", "nothing"),
    ),
    ("TFRecord files", ""): Sample(_shard, kgz.data.load, ("foreign", "damages", "nodes")),
    ("captions", "captions.csv"): Sample(
        _captions("captions.csv"),
        lambda path: kgz.data.load(path.parent),
        ("foreign", "damages", "nodes"),
        ("a folder", "nothing"),
        named="pictures",
    ),
    ("captions", "p.txt"): Sample(  # any text is a caption
        _captions("p.txt"), lambda path: kgz.data.load(path.parent), ("damages", "nodes"), named="pictures"
    ),
    ("report", ""): Sample(_at("r.json", lambda path: Report("x", [_result()], [_result()]).save(path)), Report.load),
    ("result", ""): Sample(_at("r.json", lambda path: _result().save(path)), Result.load),
    ("conditions", ""): Sample(_at("c.npy", lambda path: np.save(path, np.zeros((2, 3)))), read_conditions),
    ("Python file", ""): Sample(
        _at("classes.py", lambda path: path.write_text("x = 1\n")), import_file, ("damages", "nodes", "names")
    ),
    ("TF_CONFIG", ""): Sample(
        _at("c", lambda path: path.write_text(CLUSTER)), _read_cluster, ("foreign", "damages"), (), "TF_CONFIG"
    ),
}
SLOW = {
    ("model", ""): Sample(_at("gan.keras", lambda path: game().save(path)), kgz.load),
    ("snapshot", "model"): Sample(_at("a.snapshot", lambda path: _snapshot().write(path)), kgz.load),
    ("preset", ".zip"): Sample(_zipped_preset, kgz.load),
    **{
        ("preset", name): Sample(
            _preset(name), lambda path: kgz.load(path.parent), ("foreign", "damages", "nodes"), (), "tiny"
        )
        for name in ("preset.toml", "config.json", "generator.npz")
    },
    **{
        ("run folder", name): Sample(
            _run_folder(name),
            _load_run,
            ("foreign", "damages", "nodes"),
            (),
            "run",
        )
        for name in ("gan.keras", "snapshots/step_0000000001.snapshot")
    },
    ("Inception's weights", ""): Sample(
        _at("a.weights.h5", lambda path: _small_network().save_weights(path)), _read_weights
    ),
    ("Inception's graph", ""): Sample(_at("a.pb", lambda path: path.write_bytes(b"\x08\x07" * 9)), _read_weights),
    ("LiteRT", ""): Sample(_exported("g.tflite"), lambda path: readers.litert(path, _probes())),
    ("SavedModel", ""): Sample(
        _exported("saved/saved_model.pb"),
        lambda path: readers.saved_model(path.parent, _probes()),
        ("foreign", "nodes"),
        named="saved",
        count=(("foreign", 1), ("nodes", 6)),
    ),
}
OF_TFDS = {  # but for "nothing", for which the network would be tried
    ("data set of TensorFlow Datasets", name): Sample(
        _tfds(name),
        _read_tfds,
        ("foreign", "damages", "nodes"),
        named="mnist",
        count=(("nodes", 6),),
    )
    for name in ("dataset_info.json", "mnist-test*")
}
PARAMETERS = [
    *(pytest.param(sample, id=" ".join(key)) for key, sample in FAST.items()),
    *(pytest.param(sample, id=" ".join(key), marks=pytest.mark.slow) for key, sample in SLOW.items()),
    *(
        pytest.param(sample, id=" ".join(key), marks=[pytest.mark.slow, needs_tfds("mnist")])
        for key, sample in OF_TFDS.items()
    ),
]


def cases_of(sample: Sample, path: Path) -> dict[str, Callable[[], object]]:
    """By name, what to do to get the path to read: most replace the file at `path` and return it."""
    whole = path.read_bytes()

    def written(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    def placed(make: Callable[[Path], object]) -> Path:
        path.unlink()
        make(path)
        return path

    groups = {
        "foreign": {name: lambda content=content: written(content) for name, content in nasty.FOREIGN.items()},
        "damages": {name: lambda damage=damage: written(damage(whole)) for name, damage in nasty.DAMAGES.items()},
        "nodes": {name: lambda make=make: placed(make) for name, make in nasty.NODES.items()},
        "names": {name: lambda other=other: Path(other) for name, other in nasty.names(path).items()},
    }
    chosen = {}
    for group in sample.groups:
        chosen |= {
            f"{group}: {name}": case for name, case in list(groups[group].items())[: dict(sample.count).get(group)]
        }
    return chosen


@pytest.mark.filterwarnings("ignore:.*is not finished", "ignore:.*Continuing from")
@pytest.mark.parametrize("sample", PARAMETERS)
def test_nasty_files_are_refused_by_name_soon_and_run_nothing(sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = sample.prepare(tmp_path)
    whole = path.read_bytes()
    with suppress(InputError):  # by readers of files that tests cannot make
        sample.read(path)  # which imports what it needs
    wrong = {}
    for name, prepare in cases_of(sample, path).items():
        wrong[name] = fault_of(sample, name, prepare())
        if (wrong[name] or "").startswith("took"):  # once may be chance, such as the collection of others' garbage
            wrong[name] = fault_of(sample, name, prepare())
        assert not (tmp_path / nasty.MARK).exists(), name
        remove(path)
        path.write_bytes(whole)
    assert {name: fault for name, fault in wrong.items() if fault} == {}


def fault_of(sample: Sample, case: str, path) -> str | None:
    """What is wrong with how a case is refused; None if nothing is."""
    group, _, name = case.partition(": ")
    before, caught = time.process_time(), None
    try:
        with patience(60):  # some readers start a process
            sample.read(path)
    except InputError as error:
        caught = str(error)
    except Exception as error:  # what should not reach a user
        return f"{type(error).__name__}: {str(error)[:300]}"
    if time.process_time() - before > SECONDS:
        return f"took {time.process_time() - before:.1f} s"
    if caught is None:
        return None if group == "damages" or name in sample.whole else "was read"
    named = sample.named or (Path(path).name[:100] if group == "names" else Path(path).name)
    is_sentence = caught.startswith(("Expected ", "Unknown ")) and named.replace("\0", "\\x00") in caught
    return None if is_sentence else f"says {caught[:300]}"


@contextmanager
def patience(seconds: int):
    """Ends what waits without end, such as for the other end of a pipe."""

    def stop(*_):
        raise TimeoutError(f"waited for {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def test_every_reader_has_a_sample():
    assert {kind for kind, _ in {**FAST, **SLOW, **OF_TFDS}} | {"run folder", "folder of pictures"} == set(READERS)
