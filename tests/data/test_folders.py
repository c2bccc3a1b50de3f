"""Folders of pictures as users have them: from cameras, scanners, archives, notebooks and other programs."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.identity import check_same, describe_run

HELD_OR_STREAMED = pytest.mark.parametrize("memory_limit", [2**20, 0])


def grey(level=99, side=4):
    return Image.new("L", (side, side), level)


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def loaded(folder, memory_limit=2**20, **options):
    dataset = data.load(folder, memory_limit=memory_limit, **options)
    assert isinstance(dataset, data.Dataset)
    return dataset, dataset.in_memory().examples


def remark(dataset, start):
    (found,) = [sentence for sentence in dataset.remarks if sentence.startswith(start)]
    return found


# ---------------------------------------------------------------------------------------------------------- orientation

UPRIGHT = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
STORED = {  # what a camera stores of it, by the orientation that it notes
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}


def noting(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@HELD_OR_STREAMED
@pytest.mark.parametrize(("suffix", "options"), [("png", {}), ("tif", {}), ("webp", {"lossless": True})])
def test_photographs_come_upright(tmp_path, suffix, options, memory_limit):
    for number, pixels in STORED.items():
        save(Image.fromarray(pixels).convert("RGB"), tmp_path / f"{number}.{suffix}", exif=noting(number), **options)
    dataset, images = loaded(tmp_path, memory_limit)
    for number, image in enumerate(images, 1):
        np.testing.assert_array_equal(image[..., 0], UPRIGHT, err_msg=str(number))
    assert remark(dataset, "Turned upright") == (
        f"Turned upright, as their cameras noted, 7 of 8: 2.{suffix}, 3.{suffix}, 4.{suffix} and 4 more."
    )


@HELD_OR_STREAMED
def test_jpeg_photographs_come_upright_and_are_measured_so(tmp_path, memory_limit):
    save(Image.new("RGB", (16, 8), "red"), tmp_path / "lying.jpg")
    save(Image.new("RGB", (8, 16), "red"), tmp_path / "turned.jpg", exif=noting(6))
    dataset, images = loaded(tmp_path, memory_limit)
    assert images.shape == (2, 8, 16, 3)
    assert "turned.jpg" in remark(dataset, "Turned upright")


def test_an_orientation_noted_behind_the_pixels_of_a_png_counts(tmp_path):
    path = save(Image.fromarray(STORED[6]), tmp_path / "a.png")
    plain = path.read_bytes()
    noted = noting(6).tobytes()[6:]
    chunk = struct.pack(">I", len(noted)) + b"eXIf" + noted + struct.pack(">I", zlib.crc32(b"eXIf" + noted))
    path.write_bytes(plain[:-12] + chunk + plain[-12:])
    np.testing.assert_array_equal(loaded(tmp_path)[1][0, ..., 0], UPRIGHT)


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01", b"Exif\0\0"])
def test_a_picture_with_damaged_exif_is_read_as_stored(tmp_path, exif):
    for suffix in ("jpg", "png", "webp"):
        save(Image.fromarray(UPRIGHT), tmp_path / f"a.{suffix}", exif=exif)
    assert loaded(tmp_path)[1].shape == (3, 2, 3, 3)


# ------------------------------------------------------------------------------------------------- what is in a folder

LITTER = [".ipynb_checkpoints/a-checkpoint.png", "._x.png", "__MACOSX/._x.png", "@eaDir/x.png", ".hidden/x.jpg"]


@pytest.mark.parametrize("classes", [[""], ["cats", "dogs"]])
@pytest.mark.parametrize("litter", [*LITTER, *(f"cats/{path}" for path in LITTER)])
def test_hidden_files_and_folders_are_left_out(tmp_path, classes, litter):
    for name in classes:
        save(grey(), tmp_path / name / "a.png")
    litter = litter if "cats" in classes else litter.removeprefix("cats/")
    save(grey(9, side=2), tmp_path / litter)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).write_bytes(b"system")
    dataset, images = loaded(tmp_path)
    assert images.max() == 99
    assert dataset.class_names == (None if classes == [""] else ("cats", "dogs"))
    (sentence,) = dataset.remarks
    assert sentence.startswith("Left out as hidden, 1: ")


def test_a_hidden_folder_may_be_loaded_itself(tmp_path):
    save(grey(), tmp_path / ".cache" / "a.png")
    assert len(data.load(tmp_path / ".cache")) == 1


def test_links_to_folders_and_files_are_followed_but_not_in_circles(tmp_path):
    save(grey(), tmp_path / "elsewhere" / "dogs" / "a.png")
    folder = tmp_path / "set"
    save(grey(2), folder / "cats" / "a.png")
    (folder / "dogs").symlink_to(tmp_path / "elsewhere" / "dogs")
    (folder / "cats" / "b.png").symlink_to(tmp_path / "elsewhere" / "dogs" / "a.png")
    (folder / "cats" / "up").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    dataset, images = loaded(folder)
    assert dataset.class_names == ("cats", "dogs")
    assert images[:, 0, 0, 0].tolist() == [2, 99, 99]


def test_files_that_are_no_pictures_and_folders_without_any_are_remarked(tmp_path):
    for name in ("cats", "dogs"):
        save(grey(), tmp_path / name / "a.png")
    for name in ("README.md", "boxes.csv", "cats/notes.txt", "dogs/a.heic"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "birds").mkdir()
    dataset = data.load(tmp_path)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.remarks == (
        "Left out, because they are no pictures, 4 of 6 files: README.md, boxes.csv, cats/notes.txt and 1 more.",
        "Without pictures, and therefore no class, 1: birds.",
    )


def test_a_folder_of_other_files_says_what_is_there(tmp_path):
    (tmp_path / "a.heic").write_text("no picture")
    with pytest.raises(InputError, match=r"Received: 1 other files: a\.heic"):
        data.load(tmp_path)


@pytest.mark.parametrize(
    "suffix", [".webp", ".tif", ".tiff", ".bmp", ".gif", ".PNG", ".JPG", ".JPEG", ".jfif", ".ppm", ".pgm", ".tga"]
)
def test_formats(tmp_path, suffix):
    save(grey(50), tmp_path / "a.png")
    save(grey(200), tmp_path / f"b{suffix}")
    images = loaded(tmp_path)[1]
    assert [abs(int(level)) for level in images[:, 0, 0, 0]] == pytest.approx([50, 200], abs=2)


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    save(grey(10), tmp_path / "a.gif", save_all=True, append_images=[grey(90), grey(200)])
    dataset, images = loaded(tmp_path)
    assert set(images.ravel().tolist()) == {10}
    assert remark(dataset, "Only the first") == "Only the first of several frames taken, 1 of 1: a.gif."


@pytest.mark.parametrize(
    "names",
    [
        [*map(str, range(12))],
        [f"{number:02d}" for number in range(12)],
        ["-2", "-1", "0", "1", "10"],
        ["0.5", "1.5", "10", "20.25"],
        ["9", "010", "11"],
    ],
)
def test_classes_named_by_numbers_are_in_their_order(tmp_path, names):
    for level, name in enumerate(names, 50):
        save(grey(level), tmp_path / name / "a.png")
    dataset, images = loaded(tmp_path)
    assert dataset.class_names == tuple(names)
    assert dataset.labels.tolist() == (images[:, 0, 0, 0] - 50).tolist() == list(range(len(names)))


def test_a_run_that_began_with_classes_in_another_order_is_not_continued(tmp_path):
    names = [*map(str, range(12))]
    for level, name in enumerate(names):
        save(grey(level, side=8), tmp_path / name / "a.png")
    now = data.load(tmp_path)
    as_text = sorted(names)
    before = data.Dataset(now.examples[[int(name) for name in as_text]], now.labels, class_names=as_text)
    runs = []
    for dataset in (before, now):
        gan = kgz.DCGAN.for_images((8, 8, 1), class_names=dataset.class_names, latent_dim=2, width=2, seed=0)
        gan.compile()
        runs.append(describe_run(gan, dataset.described()))
    with pytest.raises(
        InputError, match=r"(?s)data\.checksum: .*model\.config\.class_names\.2: \"10\" in the run, now"
    ):
        check_same(*runs)


def test_classes_of_which_one_has_another_name_are_in_the_order_of_text(tmp_path):
    for name in ("2", "10", "cats"):
        save(grey(), tmp_path / name / "a.png")
    assert data.load(tmp_path).class_names == ("10", "2", "cats")


# -------------------------------------------------------------------------------------------------- what cannot be read


def test_an_unreadable_folder_is_named(tmp_path, monkeypatch):
    save(grey(), tmp_path / "cats" / "a.png")
    (tmp_path / "dogs").mkdir()
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("dogs"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(InputError, match=r"dogs \(Permission denied\)"):
        data.load(tmp_path)


def test_a_class_that_is_a_link_to_nothing_does_not_vanish(tmp_path):
    save(grey(), tmp_path / "cats" / "a.png")
    (tmp_path / "dogs").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"Expected folders that can be read. Received: .*dogs \(.+\)"):
        data.load(tmp_path)


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("no picture")


def half(path):
    save(Image.effect_noise((16, 16), 50), path)
    path.write_bytes(path.read_bytes()[:120])


def pipe(path):
    os.mkfifo(path)


def link_to_nothing(path):
    path.symlink_to(path.parent / "nowhere")


def without_pixels(path):
    path.write_bytes(b"P5 0 0 255\n")


def bomb(path):
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )


def large(path):
    Image.new("1", (10_000, 10_000)).save(path)


def floats(path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(path, "TIFF")


def thirty_two_bits(path):
    Image.fromarray(np.full((4, 4), 1_000_000, np.int32)).save(path, "TIFF")


def lab(path):
    Image.new("LAB", (4, 4)).save(path, "TIFF")


@pytest.mark.parametrize(
    "make",
    [empty, text, half, pipe, link_to_nothing, without_pixels, bomb, large, floats, thirty_two_bits, lab],
)
def test_a_file_that_is_no_picture_is_named_in_one_sentence(tmp_path, make):
    save(grey(), tmp_path / "a.png")
    make(tmp_path / "broken.png")
    with pytest.raises(InputError, match=r"Expected a whole image\. Received: .*broken\.png") as caught:
        data.load(tmp_path, image_size=4)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------- modes


def palette(levels):
    image = Image.new("P", (4, 4))
    image.putpalette([channel for level in levels for channel in (level, 0, 0)])
    return image


@HELD_OR_STREAMED
@pytest.mark.parametrize(
    ("image", "suffix", "pixel"),
    [
        (Image.new("1", (4, 4), 1), "png", [255]),
        (grey(7), "png", [7]),
        (palette([9]), "png", [9, 0, 0]),
        (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "tif", [255, 0, 0]),
        (Image.new("LA", (4, 4), (8, 100)), "png", [8, 8, 8, 100]),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 100)), "png", [1, 2, 3, 100]),
        (Image.fromarray(np.full((4, 4), 40_000, np.uint16)), "png", [156]),
        (Image.fromarray(np.full((4, 4), 65_535, np.uint16)), "tif", [255]),
        (Image.fromarray(np.full((4, 4), 40_000, np.int32)), "tif", [156]),
        (Image.fromarray(np.full((4, 4), 255, np.uint16)), "png", [0]),
    ],
)
def test_every_mode_gives_its_pixels(tmp_path, image, suffix, pixel, memory_limit):
    save(image, tmp_path / f"a.{suffix}")
    dataset, images = loaded(tmp_path, memory_limit)
    assert images[0, 0, 0].tolist() == pixel
    assert dataset.example_shape == (4, 4, len(pixel))
    assert any("16 bits" in sentence for sentence in dataset.remarks) == image.mode.startswith("I")


@HELD_OR_STREAMED
@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        ({}, [[255, 255, 255], [9, 9, 9], [1, 2, 3]]),
        ({"background": "black"}, [[0, 0, 0], [9, 9, 9], [1, 2, 3]]),
        ({"channels": 4}, [[200, 0, 0, 0], [9, 9, 9, 255], [1, 2, 3, 255]]),
        ({"channels": 1, "background": "#101010"}, [[16], [9], [2]]),
    ],
)
def test_transparency_in_some_pictures_is_put_on_a_background_and_remarked(tmp_path, options, pixels, memory_limit):
    save(Image.new("RGBA", (4, 4), (200, 0, 0, 0)), tmp_path / "a.png")
    save(grey(9), tmp_path / "b.png")
    save(Image.new("RGB", (4, 4), (1, 2, 3)), tmp_path / "c.png")
    dataset, images = loaded(tmp_path, memory_limit, **options)
    assert images[:, 0, 0].tolist() == pixels
    if len(pixels[0]) != 4:
        behind = options.get("background", "white")
        assert remark(dataset, "Transparency") == (
            f"Transparency put on {behind}, which background changes, 1 of 3: a.png."
        )


def test_grey_with_transparency_among_grey_stays_grey(tmp_path):
    save(Image.new("LA", (4, 4), (0, 0)), tmp_path / "a.png")
    save(grey(9), tmp_path / "b.png")
    assert loaded(tmp_path)[1][:, 0, 0].tolist() == [[255], [9]]


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_a_background_is_refused_where_nothing_is_transparent(tmp_path, channels):
    save(grey(9), tmp_path / "a.png")
    with pytest.raises(InputError, match="Leave background out"):
        data.load(tmp_path, background="black", channels=channels)
    with pytest.raises(InputError, match="Expected a colour"):
        data.load(tmp_path, background="blakc")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_file_that_becomes_another_while_streaming_is_named(tmp_path, suffix):
    """Its transparency, its other 8 bits, its colours or its size would be lost without a word."""
    pictures = {
        "coloured": Image.new("RGB", (4, 4), "red"),
        "coloured and transparent": Image.new("RGBA", (4, 4), (0, 0, 0, 0)),
        "a picture of 16 bits per channel": Image.fromarray(np.full((4, 4), 40_000, np.uint16)),
        r"one of \(5, 5\) pixels": grey(side=5),
    }
    path = save(grey(9), tmp_path / f"a{suffix}")
    streamed = data.load(tmp_path, memory_limit=0)
    for become, picture in pictures.items():
        save(picture, path)
        message = rf"a{suffix} \(since the folder was loaded, it has become {become}; load the"
        with pytest.raises(InputError, match=message):
            streamed.read([0])
    save(grey(7), path)
    assert streamed.read([0])[0, 0, 0].tolist() == [7]


def test_many_sizes_are_remarked_where_they_are_resized(tmp_path):
    save(grey(), tmp_path / "a.png")
    save(grey(99, side=9), tmp_path / "b.png")
    dataset = data.load(tmp_path, image_size=4)
    assert dataset.remarks == ("Resized and cropped from 2 sizes, (4, 4) to (9, 9).",)


def test_a_set_that_is_nearly_black_is_remarked(tmp_path):
    save(Image.fromarray(np.full((4, 4), 4095, np.uint16)), tmp_path / "twelve_bits.png")
    assert remark(data.load(tmp_path), "All pictures are nearly black").endswith("their largest value is 15 of 255.")


def test_one_colour_is_transparent_in_sixteen_bits_too(tmp_path):
    pixels = np.full((4, 4), 40_000, np.uint16)
    pixels[0] = 40_001
    save(Image.fromarray(pixels), tmp_path / "a.png", transparency=40_001)
    assert loaded(tmp_path)[1][0, :2, 0].tolist() == [[156, 156, 156, 0], [156, 156, 156, 255]]


def test_remarks_stay_with_the_data_but_are_no_part_of_them(tmp_path):
    save(grey(), tmp_path / "a.png")
    plain, streamed_plain = data.load(tmp_path), data.load(tmp_path, memory_limit=0)
    assert plain.remarks == ()
    (tmp_path / "notes.txt").write_text("mine")
    held, streamed = data.load(tmp_path), data.load(tmp_path, memory_limit=0)
    assert held.remarks == streamed.remarks == streamed.in_memory().remarks != ()
    assert held.described() == plain.described()
    assert streamed.described() == streamed_plain.described()


# ------------------------------------------------------------------------------------------------------------- channels


def test_grey_saved_in_colour_is_remarked_and_the_remedy_helps(tmp_path):
    for level in (3, 200):
        save(Image.new("RGB", (8, 8), (level,) * 3), tmp_path / f"{level}.png")
    gan = kgz.DCGAN.for_images((8, 8, 1), latent_dim=2, width=2)
    dataset = data.load(tmp_path)
    assert "set channels to 1" in remark(dataset, "All pictures are grey")
    with pytest.raises(InputError, match="load the data with channels=1"):
        gan.check_dataset(dataset, 2)
    converted = data.load(tmp_path, channels=1)
    gan.check_dataset(converted, 2)
    assert sorted(converted.examples[:, 0, 0, 0].tolist()) == [3, 200]


def test_one_coloured_picture_makes_a_set_coloured(tmp_path):
    save(Image.new("RGB", (4, 4), (99, 99, 99)), tmp_path / "a.png")
    save(Image.new("RGB", (4, 4), (99, 99, 98)), tmp_path / "b.png")
    assert data.load(tmp_path).remarks == ()


@pytest.mark.parametrize(
    ("pixel", "channels", "expected"),
    [
        ([7], 3, [7, 7, 7]),
        ([7], 4, [7, 7, 7, 255]),
        ([9, 9, 9], 1, [9]),
        ([255, 0, 0], 1, [76]),
        ([9, 0, 0, 0], 3, [255, 255, 255]),
        ([9, 9, 9, 255], 1, [9]),
        ([7], 1, [7]),
    ],
)
def test_arrays_in_other_channels(tmp_path, pixel, channels, expected):
    np.savez(tmp_path / "a.npz", images=np.full((2, 4, 4, len(pixel)), pixel, np.uint8), labels=[1, 0])
    converted = data.load(tmp_path / "a.npz", channels=channels)
    assert converted.examples[0, 0, 0].tolist() == expected
    assert converted.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "channels", "message"),
    [
        ("digits", 2, "channels of 1, 3 or 4. Received: 2"),
        ("digits", True, "channels of 1, 3 or 4. Received: True"),
        ("ring8", 3, "Leave channels out"),
    ],
)
def test_impossible_channels_are_refused(name, channels, message):
    with pytest.raises(InputError, match=message):
        data.load(name, channels=channels)
