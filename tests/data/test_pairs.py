"""Pairs of pictures: sources beside targets, from arrays, captions, two folders, and pictures side by side."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data, training
from keras_gan_zoo.cli import main
from keras_gan_zoo.data.encoded import EncodedDataset
from keras_gan_zoo.data.pairs import PairedDataset
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.training import Recipe, resolve
from keras_gan_zoo.training.publishing import facts_of_data

HELD_OR_READ = pytest.mark.parametrize("memory_limit", [2**20, 0])
TARGETS = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
SOURCES = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 1), np.uint8)
NAMES = ["a", "b", "c", "d", "e"]


def write(folder, pictures, names=NAMES, suffix=".png"):
    for name, picture in zip(names, pictures, strict=True):
        path = folder / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.squeeze()).save(path)
    return folder


@pytest.fixture
def folders(tmp_path):
    """The folders of targets and sources, written in different orders."""
    write(tmp_path / "lines", SOURCES[::-1], NAMES[::-1], ".bmp")
    return write(tmp_path / "photos", TARGETS), tmp_path / "lines"


def as_levels(batch) -> np.ndarray:
    return np.round((np.array(batch) + 1) * 127.5).astype(np.uint8)


# -------------------------------------------------------------------------------------------------- sources and targets


def test_conditions_that_are_pictures_are_sources():
    pairs = data.Dataset(TARGETS, conditions=SOURCES)
    np.testing.assert_array_equal(pairs.sources, SOURCES)
    np.testing.assert_array_equal(pairs.targets, TARGETS)
    assert data.paired(pairs) is pairs
    assert data.Dataset(TARGETS, [0, 1, 2, 3, 4]).sources is None
    assert data.Dataset(TARGETS, conditions=np.zeros((5, 7), np.float32)).sources is None


def test_emoji_have_captions_and_line_art():
    emoji = data.load("openmoji", split="test[:5]")
    assert (emoji.sources.shape, emoji.sources.dtype) == ((5, 64, 64, 1), np.uint8)
    assert data.paired(emoji) is emoji
    encoded = EncodedDataset(emoji, kgz.encoders.as_encoder("characters"))
    pairs = data.paired(encoded)
    assert (encoded.condition_shape, pairs.condition_shape) == ((512,), (64, 64, 1))
    np.testing.assert_array_equal(pairs.sources, emoji.sources)
    np.testing.assert_array_equal(pairs[1:3].targets, emoji.examples[1:3])


def test_data_without_sources_are_refused():
    with pytest.raises(InputError, match=r"Expected pairs of pictures. Received: <Dataset digits.*sources='folder'"):
        data.paired(data.load("digits"))


def test_two_data_sets_are_pairs():
    pairs = PairedDataset(data.Dataset(TARGETS, [0, 1, 0, 1, 0]), data.Dataset(SOURCES))
    assert (len(pairs), pairs.labels, pairs.num_classes) == (5, None, None)
    target, source = pairs[3]
    np.testing.assert_array_equal(target, TARGETS[3])
    np.testing.assert_array_equal(source, SOURCES[3])
    darker = pairs.with_examples(TARGETS // 2)
    np.testing.assert_array_equal(darker.targets, TARGETS // 2)
    np.testing.assert_array_equal(darker.sources, SOURCES)
    with pytest.raises(InputError, match=r"Expected a source for each of 5 targets. Received: 4"):
        PairedDataset(data.Dataset(TARGETS), data.Dataset(SOURCES[:4]))
    with pytest.raises(InputError, match=r"Expected pairs of pictures that can be read in any order"):
        PairedDataset(data.Dataset(TARGETS), data.load("ring8"))


# ---------------------------------------------------------------------------------------------------------- label maps


@pytest.fixture(scope="module")
def faces() -> data.CaptionedDataset:
    return data.load("avatars", split="test")


def test_avatars_have_label_maps_besides_captions(faces):
    assert (faces.condition_shape, faces.sources.shape, faces.sources.dtype) == (None, (2000, 16, 16, 9), np.uint8)
    assert (np.sort(faces.sources, axis=-1)[..., -2:] == [0, 255]).all()  # one part in each pixel
    pairs = data.paired(faces)
    assert pairs.condition_shape == (16, 16, 9)
    np.testing.assert_array_equal(pairs.sources, faces.sources)
    np.testing.assert_array_equal(pairs[[3, 5]].sources, faces[[3, 5]].sources)
    targets, sources = next(iter(pairs.batches(2000, 0, with_conditions=True, shuffle=False)))
    np.testing.assert_array_equal(as_levels(sources), faces.sources)
    np.testing.assert_array_equal(as_levels(targets), faces.examples)
    encoded = EncodedDataset(faces, kgz.encoders.as_encoder("characters"))
    assert data.paired(encoded).condition_shape == (16, 16, 9)


def test_label_maps_are_exact(faces):
    """Where nothing is drawn, it is white; parts are there when attributes say so, and have their colours."""
    maps, parts = faces.originals.maps, faces.originals.parts
    assert (faces.examples[maps == 0] == 255).all()
    for part, attribute in {"glasses": "glasses", "hat": "hat", "beard": "beard"}.items():
        is_there = (maps == parts.index(part)).any(axis=(1, 2))
        known = faces.attributes[attribute]
        np.testing.assert_array_equal(is_there, known.codes != known.values.index("none"))
    hair = (maps == parts.index("hair"))[..., None]
    colours = faces.attributes["hair_colour"]
    for name, shades in {"green": ("91cb15", "5fae2e"), "pink": ("ee7fc0", "e357a8")}.items():
        chosen = colours.codes == colours.values.index(name)
        pixels = faces.examples[chosen][np.broadcast_to(hair[chosen], (chosen.sum(), 16, 16, 3))].reshape(-1, 3)
        assert {bytes(pixel).hex() for pixel in pixels} == set(shades)


def test_label_maps_keep_their_parts_when_they_are_resized():
    faces = data.load("avatars", split="test[:3]", image_size=8)
    assert faces.sources.shape == (3, 8, 8, 9)
    assert set(np.unique(faces.sources)) == {0, 255}
    darker = faces.with_examples(faces.examples // 2)
    np.testing.assert_array_equal(darker.sources, faces.sources)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.zeros((2, 4, 4)), "Expected label maps as integers .n, height, width.*argmax"),
        (np.zeros((2, 4, 4, 3), np.uint8), "Expected label maps as integers"),
        (np.full((2, 4, 4), 3), "Expected label maps from 0 to 2, of 3 parts. Received: numbers from 3 to 3"),
    ],
)
def test_wrong_label_maps_are_refused(maps, message):
    with pytest.raises(InputError, match=message):
        data.LabelMaps(maps, ["a", "b", "c"])


# ------------------------------------------------------------------------------------------------------------ emoji


def test_emoji_of_two_styles_are_joined_by_code_point():
    pairs = data.load("twemoji", sources="noto", split="test", image_size=32)
    noto = data.load("noto", split="test", image_size=32)
    assert (pairs.example_shape, pairs.condition_shape, len(pairs)) == ((32, 32, 3), (32, 32, 3), len(noto))
    assert pairs.remarks == ()
    for i in (0, 50, 100):
        other = noto.captions.index(pairs.captions[i])
        np.testing.assert_array_equal(pairs.sources[i], noto.examples[other])
    assert np.abs(pairs.sources.astype(int) - pairs.targets).mean() < 60  # that of others is 75


def test_emoji_that_one_style_lacks_are_left_out():
    pairs = data.load("openmoji", sources="noto", split="test[40:60]")
    assert 0 < len(pairs) < 20
    assert pairs.remarks == (f"Left out, because noto lacks them, {20 - len(pairs)} of 20 emoji.",)
    assert set(pairs.captions) <= set(data.load("openmoji", split="test[40:60]").captions)


# --------------------------------------------------------------------------------------------------------- two folders


@HELD_OR_READ
def test_two_folders_are_joined_by_names(folders, memory_limit):
    photos, lines = folders
    pairs = data.load(photos, sources=lines, memory_limit=memory_limit)
    assert repr(pairs) == "<PairedDataset photos: 5 x (8, 8, 3), conditions (8, 8, 1)>"
    np.testing.assert_array_equal(pairs.targets, TARGETS)
    np.testing.assert_array_equal(pairs.sources, SOURCES)
    np.testing.assert_array_equal(pairs[[4, 1]].sources, SOURCES[[4, 1]])
    targets, sources = next(iter(pairs.batches(5, 0, with_conditions=True)))
    order = [next(i for i in range(5) if (TARGETS[i] == target).all()) for target in as_levels(targets)]
    np.testing.assert_array_equal(as_levels(sources), SOURCES[order])
    assert pairs.described() == data.load(photos, sources=lines, memory_limit=memory_limit).described()
    assert pairs.described() != data.load(photos, memory_limit=memory_limit).described()


def test_folders_in_folders_and_captions_stay_with_their_pictures(tmp_path):
    names = ["cats/a", "cats/b", "dogs/a", "dogs/b", "dogs/c"]
    photos, lines = write(tmp_path / "photos", TARGETS, names), write(tmp_path / "lines", SOURCES, names)
    for name in names:
        (photos / f"{name}.txt").write_text(f"picture {name}", encoding="utf-8")
    pairs = data.load(photos, sources=lines)
    assert pairs.captions[2] == ("picture dogs/a",)
    np.testing.assert_array_equal(pairs.sources, SOURCES)
    np.testing.assert_array_equal(pairs[2:].sources, SOURCES[2:])


def test_one_of_two_folders_may_be_smaller(tmp_path):
    photos, small = write(tmp_path / "photos", TARGETS), write(tmp_path / "small", TARGETS[:, ::4, ::4])
    assert data.load(photos, sources=small).condition_shape == (2, 2, 3)
    assert data.load(photos, sources=small, image_size=4).condition_shape == (4, 4, 3)


def test_channels_are_those_of_the_targets_and_a_background_is_behind_both(tmp_path):
    clear = np.zeros((5, 8, 8, 4), np.uint8)
    photos, lines = write(tmp_path / "photos", TARGETS), write(tmp_path / "lines", clear)
    pairs = data.load(photos, sources=lines, channels=1, background="#010203")
    assert (pairs.example_shape, pairs.condition_shape) == ((8, 8, 1), (8, 8, 3))
    assert pairs.sources[0, 0, 0].tolist() == [1, 2, 3]
    assert data.load(lines, sources=photos, background="#010203").targets[0, 0, 0].tolist() == [1, 2, 3]
    with pytest.raises(InputError, match=r"Expected transparency, which a background replaces"):
        data.load(photos, sources=write(tmp_path / "others", TARGETS), background="black")


def test_what_does_not_meet_is_named(folders):
    photos, lines = folders
    (lines / "b.bmp").unlink()
    with pytest.raises(
        InputError, match=r"each of 5 pictures of .*photos, of the same name. Received: none for 1: b.png"
    ):
        data.load(photos, sources=lines)
    (lines / "c.bmp").rename(lines / "C.bmp")
    message = r"Received: none for 2: b.png, c.png; and 1 without a picture: C.bmp. Add, rename or remove them."
    with pytest.raises(InputError, match=message):
        data.load(photos, sources=lines)


def test_sizes_that_do_not_meet_are_named(folders):
    photos, lines = folders
    Image.new("L", (8, 6)).save(lines / "d.bmp")
    message = r"Received: 1 of 5 that differ, such as .*d.png of \(8, 8\) and .*d.bmp of \(6, 8\) .height, width."
    with pytest.raises(InputError, match=message):
        data.load(photos, sources=lines, image_size=8)
    Image.new("L", (16, 16)).save(lines / "d.bmp")
    with pytest.raises(InputError, match=r"Expected images of one size. Received: .*d.bmp of \(16, 16\)"):
        data.load(photos, sources=lines)
    assert data.load(photos, sources=lines, image_size=8).condition_shape == (8, 8, 1)


def test_two_pictures_of_one_name_are_refused(folders):
    photos, lines = folders
    write(lines, SOURCES[:1], NAMES[:1], ".png")
    with pytest.raises(InputError, match=r"whatever the suffix. Received: a.bmp and a.png in"):
        data.load(photos, sources=lines)


# -------------------------------------------------------------------------------------------------------- side by side


@HELD_OR_READ
def test_halves_are_pairs_in_either_direction(tmp_path, memory_limit):
    left = np.repeat(SOURCES, 3, axis=-1)
    write(tmp_path, np.concatenate([left, TARGETS], axis=2))
    pairs = data.load(tmp_path, sources="left", memory_limit=memory_limit)
    np.testing.assert_array_equal(pairs.sources, left)
    np.testing.assert_array_equal(pairs.targets, TARGETS)
    other = data.load(tmp_path, sources="right", memory_limit=memory_limit)
    np.testing.assert_array_equal(other.sources, TARGETS)
    np.testing.assert_array_equal(other.targets, left)
    assert pairs.described() != other.described()
    smaller = data.load(tmp_path, sources="left", image_size=4, channels=1, memory_limit=memory_limit)
    assert (smaller.example_shape, smaller.condition_shape) == ((4, 4, 1), (4, 4, 3))


def test_pictures_that_cannot_be_halved_are_named(tmp_path):
    write(tmp_path, TARGETS[:, :, :7])
    with pytest.raises(InputError, match=r"even width in .* Received: 5 of an odd one: a.png, b.png, c.png and 2 more"):
        data.load(tmp_path, sources="left")


# --------------------------------------------------------------------------------------------------- names and recipes


def test_sources_are_for_folders_and_go_without_a_degradation(folders):
    photos, lines = folders
    with pytest.raises(InputError, match=r"Expected a folder of pictures with sources.*Received: digits with"):
        data.load("digits", sources=lines)
    with pytest.raises(InputError, match=r"Expected two styles of emoji.*Received: <CaptionedDataset avatars"):
        data.load("noto", sources="avatars")
    with pytest.raises(InputError, match=r"Expected sources, or a degradation.*degradation='greyed'"):
        data.load(photos, sources=lines, degradation="greyed")
    with pytest.raises(InputError, match=r"Expected sources as a folder, or as 'left' or 'right'.*Received: up"):
        data.load(photos, sources="up")
    with pytest.raises(InputError, match=r"Expected two folders.*Received: .*photos as both"):
        data.load(photos, sources=f"{photos}/../{photos.name}")


def test_recipes_have_sources_and_degradations(folders, monkeypatch):
    photos, lines = folders
    monkeypatch.chdir(photos.parent)
    recipe, pairs = resolve(Recipe("dcgan", "photos", sources="lines", image_size=8))
    assert (recipe.data, recipe.sources) == (str(photos), str(lines))
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    np.testing.assert_array_equal(pairs.sources, SOURCES)
    assert resolve(Recipe("dcgan", "photos", sources="left"))[0].sources == "left"
    pairs = resolve(Recipe("dcgan", "photos", degradation="downscaled:4"))[1]
    np.testing.assert_array_equal(pairs.sources, data.Downscaled(4)(TARGETS))


def test_cards_name_the_authors_of_both_styles():
    facts = facts_of_data(Recipe("dcgan", "twemoji", sources="noto"), {})
    assert facts["authors"] == "Twitter and contributors; Google"
    assert facts["licence"] == "CC BY 4.0; Apache-2.0"
    assert facts_of_data(Recipe("dcgan", "noto"), {})["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sources", "lines"], 'sources = "'),
        (["--degradation", "masked:2,2,4,4"], 'degradation = "masked:2,2,4,4"'),
        (["--degradation", "downscaled:3"], "Choose another factor, or load them with --image-size 6."),
    ],
)
def test_the_command_line_takes_pairs(folders, monkeypatch, options, said):
    monkeypatch.chdir(folders[0].parent)
    result = CliRunner().invoke(
        main, ["train", "dcgan", "--data", "photos", "--batch-size", "4", "--dry-run", *options]
    )
    assert said in result.output


def test_both_pictures_of_pairs_in_arrays_are_resized(tmp_path):
    np.savez(tmp_path / "pairs.npz", images=TARGETS, conditions=SOURCES)
    pairs = data.load(tmp_path / "pairs.npz", image_size=4)
    assert (pairs.example_shape, pairs.condition_shape) == ((4, 4, 3), (4, 4, 1))


@pytest.mark.slow
def test_a_run_finds_pairs_that_were_moved(folders, tmp_path):
    recipe = Recipe(
        "gan",
        str(folders[0]),
        sources=str(folders[1]),
        epochs=1,
        batch_size=4,
        model={"architecture": "mlp", "units": 2, "depth": 1},
    )
    _, run = training.train(recipe, tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    moved = [folder.rename(tmp_path / "elsewhere" / folder.name) for folder in folders]
    training.resume(run, {"data": str(moved[0]), "sources": str(moved[1]), "epochs": 2})
    assert Recipe.read(run / "recipe.toml").sources == str(moved[1])
    with pytest.raises(InputError, match=r"other values:\n  sources"):
        training.resume(run, {"data": str(moved[0]), "sources": str(moved[0]), "epochs": 3})
