"""A thousand damages to every kind of file: refused, an older whole copy with a warning, or the same numbers.

A recipe that reads as other values says so. Everything is read within this process.
"""

import shutil
import warnings
import zlib

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core.recipe_files import with_digest
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import readers
from keras_gan_zoo.export.parity import Probe
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.state.identity import describe_run
from keras_gan_zoo.state.snapshot import Snapshot, SnapshotFolder
from keras_gan_zoo.training import Recipe
from tests.snapshots import DAMAGES

NUMBER = 10  # of each of the 12 damages, to each of the 9 files: 1,080
NOISE = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
SMALL = {"latent_dim": 3, "architecture": "mlp", "units": 4, "depth": 1}


def swapped_blocks(whole, rng):
    """As a disk returns them that mixes up two sectors."""
    size = int(rng.integers(1, max(2, len(whole) // 4)))
    first, second = (int(start) for start in sorted(rng.integers(0, len(whole) - size, 2)))
    second = max(second, min(first + size, len(whole) - size))
    a, b = whole[first : first + size], whole[second : second + size]
    changed = whole[:second] + a + whole[second + size :]
    return changed[:first] + b + changed[first + size :]


def zeros_to_the_end(whole, rng):
    """As a crash leaves a file that was not flushed."""
    start = int(rng.integers(len(whole)))
    return whole[:start] + bytes(len(whole) - start)


ALL_DAMAGES = {**DAMAGES, "swapped blocks": swapped_blocks, "zeros to the end": zeros_to_the_end}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One small model in every kind of file."""
    folder = tmp_path_factory.mktemp("files")
    gan = kgz.GAN.for_images((2,), num_classes=2, seed=0, **SMALL)
    gan.compile()
    snapshots = SnapshotFolder(folder / "snapshots")
    snapshots.prepare()
    for step in (1, 2):
        gan.step.assign(step)
        snapshots.write(Snapshot.capture(gan, run=describe_run(gan, {}), epoch=step))
    gan.save(folder / "gan.keras")
    gan.save_preset(folder / "preset")
    gan.export(folder / "g.onnx")
    gan.export(folder / "g.tflite")
    recipe = Recipe("gan", "digits", 7, 64, 3, conditional=True, metrics=["ms_ssim"], model={**SMALL, "r1": 0.5})
    (folder / "recipe.toml").write_text(with_digest(recipe.given()))
    return folder


def samples_of(gan):
    return gan.sample_from(NOISE, labels=[0, 1])


def of_snapshot(path):
    return samples_of(Snapshot.read(path).model())


def of_folder(path):
    """The newest whole snapshot, which an older one is if there is a warning."""
    return samples_of(SnapshotFolder(path.parent).newest().model())


def of_preset(path):
    return samples_of(kgz.load(path.parent))


def of_tflite(path):
    probe = Probe("a", {"noise": NOISE, "labels": np.array([0, 1], np.int32)})
    return readers.litert(path, [probe])[0]


READ = {  # the file that is damaged, and what is read of it
    "snapshot": ("snapshots/step_0000000002.snapshot", of_snapshot),
    "snapshots": ("snapshots/step_0000000002.snapshot", of_folder),
    "recipe": ("recipe.toml", lambda path: Recipe.from_toml(path.read_bytes().decode("utf-8", "replace"), path)),
    "keras": ("gan.keras", lambda path: samples_of(kgz.load(path))),
    "preset's weights": ("preset/generator.npz", of_preset),
    "preset's model": ("preset/config.json", of_preset),
    "preset's card": ("preset/preset.toml", of_preset),
    "onnx": ("g.onnx", lambda path: samples_of(OnnxFile(path))),
    "tflite": ("g.tflite", of_tflite),
}


def outcome(read, path, expected) -> str:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = read(path)
        except InputError:
            return "refused"
    if any("changed after it was written" in str(each.message) for each in said):
        return "said to be changed"
    if any("Continuing from the one before it" in str(each.message) for each in said):
        return "an older copy"
    same = found == expected if isinstance(expected, Recipe) else np.array_equal(found, expected)
    return "the same" if same else f"silently other: {found}"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ALL_DAMAGES)
@pytest.mark.parametrize("kind", READ)
def test_no_damage_gives_other_numbers_without_a_word(place, kind, damage, tmp_path):
    name, read = READ[kind]
    expected = read(place / name)
    copy = shutil.copytree(place, tmp_path / "copy") / name
    whole, rng = copy.read_bytes(), np.random.default_rng(zlib.crc32(f"{kind} {damage}".encode()))
    allowed = {"refused", "the same", *{"recipe": ["said to be changed"], "snapshots": ["an older copy"]}.get(kind, [])}
    for number in range(NUMBER):
        copy.write_bytes(ALL_DAMAGES[damage](whole, rng))
        found = outcome(read, copy, expected)
        assert found in allowed, (number, found)
