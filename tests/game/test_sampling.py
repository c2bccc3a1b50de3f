"""What is not finite is not sampled: NaN would be black pictures."""

import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo import latent, metrics, pictures
from keras_gan_zoo.cli import main
from keras_gan_zoo.errors import InputError, NotFiniteError
from tests import equality

NOISE = np.zeros((2, 4), np.float32)
IMAGES = np.zeros((16, 8, 8, 1), np.uint8)
WAYS = {
    "sample": lambda gan, folder: gan.sample(70),  # more than a batch
    "sample_from": lambda gan, folder: gan.sample_from(NOISE),
    "interpolate": lambda gan, folder: latent.walk(gan, rows=1, steps=2),
    "class_morph": lambda gan, folder: latent.class_morph(gan, 0, 1, 2, NOISE),
    "invert": lambda gan, folder: gan.invert(IMAGES[:1], 0, steps=10, restarts=1),
    "evaluate": lambda gan, folder: metrics.evaluate(
        gan, "digits", metrics=["ms_ssim"], extractor="pixels", n=16, image_size=8
    ),
    "save_preset": lambda gan, folder: gan.save_preset(folder / "preset"),
    "export": lambda gan, folder: gan.export(folder / "g.tflite"),
}


@pytest.fixture(scope="module")
def broken():
    """A model of which a single weight is NaN, and one whose weights are finite but too large."""
    gan = equality.build("gan", True)
    gan.compile()
    kernel = gan.generator.trainable_variables[-1]
    kernel.assign(np.where(np.arange(kernel.shape[-1]) == 1, np.nan, 0.0))
    return gan


@pytest.mark.parametrize("way", WAYS)
def test_weights_that_are_nan_make_no_examples(broken, way, tmp_path):
    with pytest.raises(NotFiniteError, match=r"Expected a model with finite weights. Received: NaN or infinity."):
        WAYS[way](broken, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["sample", "interpolate"])
def test_the_command_line_draws_no_black_pictures(broken, command, tmp_path):
    broken.save(tmp_path / "gan.keras")
    done = CliRunner().invoke(main, [command, str(tmp_path / "gan.keras"), "-o", str(tmp_path / "out.png")])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "Expected a model with finite weights" in done.output
    assert not (tmp_path / "out.png").exists()


def test_numbers_that_become_too_large_are_told_from_weights():
    gan = kgz.GAN.for_images((5,), latent_dim=4, generator_units=8, seed=0)
    for weight in gan.generator.trainable_variables:
        weight.assign(np.full(weight.shape, 1e38))
    with pytest.raises(NotFiniteError, match="although its weights are finite"):
        gan.sample(3, seed=0)


def test_nan_is_no_pixel():
    with pytest.raises(InputError, match="Expected finite numbers to draw"):
        pictures.to_uint8(np.full((1, 2, 2, 1), np.nan))
