"""Texts on the command line: a model, a run's snapshot, a preset and an exported file."""

import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from tests.texts import letters, text_gan

TEXTS = ["long green hair", "a red hat"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One model in all places that `sample` takes."""
    folder, gan = tmp_path_factory.mktemp("texts"), text_gan()
    gan.save(folder / "gan.keras")
    gan.save_preset(folder / "preset")
    gan.export(folder / "gan.onnx")
    return folder


@pytest.mark.parametrize("source", ["gan.keras", "preset", "gan.onnx"])
def test_each_text_has_a_row_with_the_noise_of_the_others(source, folder, tmp_path):
    out = tmp_path / "rows.npz"
    result = run("sample", folder / source, "--text", TEXTS[0], "--text", TEXTS[1], "--seed", 3, "-o", out)
    assert result.exit_code == 0, result.output
    assert result.output == f"16 samples, seed 3: {out}\n"
    gan = kgz.load(folder / "gan.keras")
    expected = np.concatenate([gan.sample(8, text=text, seed=3) for text in TEXTS])
    np.testing.assert_allclose(np.load(out)["images"], expected, atol=1e-5)


def test_a_picture_of_one_text_is_square_and_of_several_has_rows(folder, tmp_path):
    for texts, size in ((TEXTS[:1], 1.0), (TEXTS, 1.5)):
        options = [option for text in texts for option in ("--text", text)]
        count = {1: 9, 2: 3}[len(texts)]
        assert run("sample", folder / "gan.onnx", *options, "-n", count, "-o", tmp_path / "x.png").exit_code == 0
        with Image.open(tmp_path / "x.png") as picture:
            assert picture.width / picture.height == pytest.approx(size, abs=0.03)


def test_a_morph_leads_from_text_to_text_and_a_walk_keeps_its_text(folder, tmp_path):
    command, gan = ["interpolate", folder / "gan.keras", "--rows", 2, "--steps", 5], kgz.load(folder / "gan.keras")
    noise = kgz.latent.truncated_noise(2, 8, seed=0)
    morph = kgz.latent.text_morph(gan, *TEXTS, 5, noise)
    result = run(*command, "--from-text", TEXTS[0], "--to-text", TEXTS[1], "-o", tmp_path / "morph.png")
    assert "2 interpolations from 'long green hair' to 'a red hat' in 5 steps" in result.output
    walk = kgz.latent.walk(gan, 2, 5, seed=0, text=TEXTS[0])
    assert run(*command, "--text", TEXTS[0], "-o", tmp_path / "walk.png").exit_code == 0
    for name, examples in (("morph", morph), ("walk", walk)):
        expected = kgz.pictures.grid(examples.reshape(-1, 16, 16, 3), columns=5)
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from-text", "a hat"], "Expected --from-text and --to-text together."),
        (["--from-text", "a hat", "--to-text", "hair", "--linear"], "--spherical or --linear without --from-text."),
        (["--from-text", "a hat", "--to-text", "hair", "--text", "a hat"], "Expected one of --from-label, --from-text"),
        (["--from-text", "a hat", "--to-text", "ein Hut"], "Received: ein, hut."),
        (["--text", "a hat", "--text", "hair", "--text", "face"], "Expected one text, or one for each of 2"),
        ([], "Give --text TEXT."),
    ],
)
def test_mistakes_of_interpolations_are_one_line(options, message, folder, tmp_path):
    result = run("interpolate", folder / "gan.keras", *options, "--rows", 2, "-o", tmp_path / "x.png")
    assert result.exit_code == 2, result.output
    assert message in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("gan.onnx", [], "trained with texts. Received: none. Give --text TEXT."),
        ("gan.onnx", ["--text", "..."], "Expected texts with words. Received: '...' as number 0. Describe a picture."),
        ("gan.onnx", ["--text", "a hat", "--text", "ein Hut"], "Received: ein, hut."),
        ("nowhere", ["--text", "a hat", "--label", "3"], "Expected one of --label, --conditions and --text."),
        ("conditional_gan_mnist", ["--text", "a hat"], "Expected no --text, because this model was not trained"),
        (
            "own.onnx",
            ["--text", "a hat"],
            "are not saved with it. Give --conditions FILE with the vectors of the texts.",
        ),
    ],
)
def test_mistakes_are_one_line(source, options, message, folder, tmp_path):
    if source == "own.onnx" and not (folder / source).exists():
        text_gan(encoder=letters).export(folder / source)
    place = folder / source if (folder / source).exists() else source
    result = run("sample", place, *options, "-o", tmp_path / "x.png")
    assert result.exit_code == 2, result.output
    assert message in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_some_unknown_words_are_said(folder, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("sample", folder / "gan.onnx", "--text", "a red hat, purple shoes", "-o", tmp_path / "x.png")
    assert "Warning: No caption of training has: purple, shoes.\n" in result.output
