"""Killed before each operation on a file, the next start ends as if nothing had happened, and nothing is left over."""

import math
import shutil
import zipfile
from itertools import count

import numpy as np
import pytest

from keras_gan_zoo import training
from keras_gan_zoo.core import files
from keras_gan_zoo.core.registry import Format
from keras_gan_zoo.export import export, exporting, parity
from keras_gan_zoo.training import publishing, runs
from keras_gan_zoo.zoo import saving
from tests.equality import TINY
from tests.helpers import contents
from tests.kills import killed
from tests.snapshots import put, values_of

pytestmark = pytest.mark.slow

ENDINGS = (".snapshot", ".csv", ".png", ".gif", ".onnx", ".tflite", ".npz", ".toml", ".json", ".md", ".pb", ".index")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (64, 8, 8), np.uint8))
    return training.Recipe("gan", str(path), epochs=2, batch_size=64, model={**TINY["gan"], "latent_dim": 4})


@pytest.fixture(scope="module")
def built(recipe):
    """The one model of all runs: tracing takes longer than training."""
    gan = training.build(*training.resolve(recipe))
    return gan, values_of(gan)


@pytest.fixture
def gan(built, monkeypatch):
    def build(*_):
        put(*built)
        return built[0]

    monkeypatch.setattr(runs, "build", build)
    return build()


@pytest.fixture(scope="module")
def finished(built, recipe, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "build", lambda *_: (put(*built), built[0])[1])
        return training.train(recipe, tmp_path_factory.mktemp("finished") / "run", verbose=0)[1]


def results(folder) -> dict:
    """What must be the same, byte for byte; a `.keras` file holds the time."""
    found = {path: content for path, content in contents(folder).items() if path.suffix in ENDINGS}
    for path in folder.rglob("*.keras"):
        with zipfile.ZipFile(path) as archive:
            found[path.relative_to(folder)] = archive.read("model.weights.h5")
    return found


def kill_everywhere(root, start, again=None, prepare=None) -> int:
    """Kills a start before each of its operations, and starts again. Returns the number of kills.

    Args:
        start: What is killed, in a folder.
        again: What is done next; by default the same.
        prepare: What is done before, not to be killed.
    """

    def folder_for(name):
        folder = root / name
        folder.mkdir()
        if prepare is not None:
            prepare(folder)
        return folder

    straight = folder_for("straight")
    start(straight)
    expected, names = results(straight), {path.relative_to(straight) for path in straight.rglob("*")}
    assert expected
    for at in count():
        folder = folder_for(str(at))
        with killed(folder, at) as kill:
            start(folder)
        if not kill.is_done:
            return at
        with killed(folder, math.inf):  # no kill, but another process than the one before
            (again or start)(folder)
        last = kill.seen[-1:]
        assert list(folder.rglob(".*")) == [], last
        found = results(folder)
        assert found.keys() == expected.keys(), last
        assert [str(path) for path in found if found[path] != expected[path]] == [], last
        missing = {path for path in names if "tensorboard" not in path.parts and not (folder / path).exists()}
        assert not missing, last
        shutil.rmtree(folder)
    raise AssertionError


def trained(recipe, folder):
    """A user's next start."""
    arguments = {"snapshots": {"every_steps": 1}, "verbose": 0}
    if (folder / "run" / "recipe.toml").exists():
        training.resume(folder / "run", **arguments)
    else:
        training.train(recipe, folder / "run", **arguments)


def test_training(gan, recipe, tmp_path):
    assert kill_everywhere(tmp_path, lambda folder: trained(recipe, folder)) > 40


def test_copying_a_run(gan, finished, tmp_path, monkeypatch):
    def copied(folder):
        if (folder / "copy" / "recipe.toml").exists():
            training.resume(folder / "copy", verbose=0)
        else:
            training.resume(finished, out=folder / "copy", verbose=0)

    def fit(*_, callbacks, **__):  # training on has a test of its own
        for callback in callbacks:
            callback.set_model(gan)

    monkeypatch.setattr(gan, "fit", fit)
    assert kill_everywhere(tmp_path, copied) > 30


@pytest.mark.parametrize("exists", [False, True])
def test_saving(gan, tmp_path, exists):
    def prepare(folder):
        if exists:
            shutil.copy(first, folder / "gan.keras")

    first = tmp_path / "first.keras"
    gan.save(first)
    gan.step.assign(5)
    assert kill_everywhere(tmp_path, lambda folder: gan.save(folder / "gan.keras"), prepare=prepare) > 4


@pytest.mark.parametrize("exchanges", [True, False])
def test_saving_a_preset_over_another(gan, tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(files, "_exchange", lambda first, second: False)
    monkeypatch.setattr(saving.Preset, "model", lambda self, with_discriminator: gan)  # read back, which writes nothing
    saving.save(gan, tmp_path / "first")
    gan.generator.set_weights([weight + 1 for weight in gan.generator.get_weights()])

    def prepare(folder):
        shutil.copytree(tmp_path / "first", folder / "preset")

    assert kill_everywhere(tmp_path, lambda folder: saving.save(gan, folder / "preset"), prepare=prepare) > 15


@pytest.mark.parametrize("name", ["generator.onnx", "generator.tflite", "generator"])
def test_exporting(gan, tmp_path, monkeypatch, name):
    """Converting, and reading what was written, take seconds and write nothing: the first ones serve for all."""
    load, read, probes, cache, made = Format.load, exporting._read, parity.probes, tmp_path / "made", {}

    def load_once(row):
        return lambda *given, **options: converted(load(row), *given, **options)

    def converted(convert, generator, *beside, **options):
        if not beside:
            return once("converted", convert)(generator, **options)
        if not cache.exists():
            convert(generator, cache)
        return (shutil.copytree if cache.is_dir() else shutil.copy)(cache, *beside)

    def once(name, function):
        return lambda *given, **options: (
            made[name] if name in made else made.setdefault(name, function(*given, **options))
        )

    monkeypatch.setattr(Format, "load", load_once)
    monkeypatch.setattr(parity, "probes", once("probes", probes))
    monkeypatch.setattr(exporting, "_read", once("answers", read))
    assert kill_everywhere(tmp_path, lambda folder: export(gan, folder / name)) > 3


def test_publishing(gan, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "load_run", lambda folder: (gan, ""))
    monkeypatch.setattr(publishing, "measure", lambda *_: None)
    monkeypatch.setattr(saving.Preset, "model", lambda self, with_discriminator: gan)

    def prepare(folder):
        (folder / "keras_gan_zoo" / "zoo").mkdir(parents=True)
        (folder / "keras_gan_zoo" / "zoo" / "presets.toml").write_text("")

    def publish(folder):
        said = {"authors": "Somebody", "licence": "CC0-1.0"}
        publishing.publish(finished, "tiny", "Blots", "one seed", data=said, root=folder)

    assert kill_everywhere(tmp_path, publish, prepare=prepare) > 30


def test_the_kills_are_where_they_should_be(tmp_path):
    with killed(tmp_path, math.inf) as kill, files.written_beside(tmp_path / "a.txt") as beside:
        beside.write_text("hello")
    assert [event for event, _ in kill.seen] == ["open", "open", "fsync", "os.rename", "fsync", "os.remove"]
    with killed(tmp_path, 2) as kill, files.written_beside(tmp_path / "b.txt") as beside:
        beside.write_text("hello")
    assert kill.is_done
    assert len(list(tmp_path.iterdir())) == 2
