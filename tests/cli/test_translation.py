"""`gan-zoo translate`: one picture, a folder, pictures of other sizes."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["translate", *map(str, arguments)], terminal_width=110)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    unet = {"source_shape": (8, 8, 1), "width": 4, "depth": 2, "receptive_field": 16, "normalization": "none"}
    models = {
        "unet": kgz.Pix2Pix.for_images((8, 8, 3), seed=0, **unet),
        "painter": kgz.ContextEncoder.for_images((8, 8, 3), width=2, bottleneck_units=4, seed=0),
    }
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return folder, models


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, shape in (("a.png", (8, 8, 3)), ("b.png", (8, 16, 3))):
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / name)
    return folder


def opened(path, mode="RGB"):
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode))


def grey(path):
    return opened(path, "L")[None, ..., None]


def test_a_folder_is_translated_picture_by_picture_in_their_sizes(saved, photos, tmp_path):
    folder, models = saved
    result = run(folder / "unet.keras", photos, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.output == f"2 pictures: {tmp_path / 'out'}\n"
    for name in ("a.png", "b.png"):
        [expected] = kgz.pictures.to_uint8(models["unet"].translate(grey(photos / name)))
        np.testing.assert_array_equal(opened(tmp_path / "out" / name), expected)
    wide = grey(photos / "b.png")
    left = models["unet"].translate(wide[:, :, :8])
    assert np.abs(models["unet"].translate(wide)[:, :, :2] - left[:, :, :2]).max() < 0.1  # the edge is far


def test_pictures_that_do_not_fit_are_named(saved, photos, tmp_path):
    folder, _ = saved
    painter, wide, out = folder / "painter.keras", photos / "b.png", tmp_path / "out.png"
    result = run(painter, wide, "-o", out)
    assert result.exit_code == 2
    message = " ".join(result.output.split())
    assert "Expected pictures of 8 x 8 pixels (height, width)" in message
    assert "b.png of 8 x 16. Pass --resize to resize and crop it." in message
    assert run(painter, wide, "-o", out, "--resize").exit_code == 0
    assert opened(out).shape == (8, 8, 3)
    Image.fromarray(opened(out)).save(photos / "a.jpg")
    result = run(painter, photos, "-o", tmp_path / "all")
    assert result.exit_code == 2
    assert "Expected pictures of different names" in " ".join(result.output.split())


def test_nothing_is_written_before_all_pictures_are_checked(saved, photos, tmp_path):
    Image.new("RGB", (8, 9)).save(photos / "c.png")
    result = run(saved[0] / "unet.keras", photos, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "c.png of 9 x 8. Pass --resize" in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_pictures_are_never_written_over(saved, photos, tmp_path):
    before = (photos / "a.png").read_bytes()
    for given, out, message in (
        (photos, photos / ".." / "photos", "a.png, which would be overwritten. Choose another --out."),
        (photos / "a.png", photos / "a.png", "a.png, which would be overwritten. Choose another --out."),
        (photos, photos / "a.png", "Expected a folder to write translations of"),
    ):
        result = run(saved[0] / "unet.keras", given, "-o", out)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
    assert (photos / "a.png").read_bytes() == before


def test_sampling_a_translator_says_how_to_translate(tmp_path):
    result = CliRunner().invoke(main, ["sample", "pix2pix_openmoji", "-o", str(tmp_path / "x.png")])
    assert result.exit_code == 2
    assert "Expected pictures, because this model translates them" in result.output
    assert "gan-zoo translate" in result.output
