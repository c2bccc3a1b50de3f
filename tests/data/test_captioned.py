"""Examples with words: those that come with the package, folders, TensorFlow Datasets."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_gan_zoo import data
from keras_gan_zoo.core import registry
from keras_gan_zoo.core.texts import words
from keras_gan_zoo.data import tfds as tfds_module
from keras_gan_zoo.data.contents import Contents
from keras_gan_zoo.data.templates import Templates
from keras_gan_zoo.errors import InputError
from tests.helpers import ROOT

SETS = ROOT / "keras_gan_zoo" / "data" / "sets"
FACES = {"avatars": (30_000, (16, 16, 3)), "peeps": (10_000, (64, 64, 3))}


@pytest.fixture(scope="module", params=FACES)
def faces(request) -> dict[str, data.CaptionedDataset]:
    return {split: data.load(request.param, split=split) for split in registry.FACES}


# ------------------------------------------------------------------------------------------------------------ embedded


def test_faces_are_all_there_once_and_of_their_size(faces):
    count, shape = FACES[faces["train"].name]
    pictures = np.concatenate([part.examples for part in faces.values()])
    assert pictures.shape == (count, *shape)
    assert len({picture.tobytes() for picture in pictures}) == count


def test_combinations_are_held_out_though_their_values_are_not(faces):
    combinations = Templates(SETS / f"{faces['train'].name}.toml").words["combinations"]

    def matching(part, combination) -> np.ndarray:
        chosen = [(part.attributes[name], values) for name, values in combination.items()]
        return np.all([np.isin(np.array(known.values)[known.codes], values) for known, values in chosen], axis=0)

    for combination in combinations:
        assert not matching(faces["train"], combination).any()
        assert not matching(faces["test"], combination).any()
        assert matching(faces["held_out"], combination).sum() >= 30
        for name, values in combination.items():
            assert matching(faces["train"], {name: values}).any()
    assert np.any([matching(faces["held_out"], combination) for combination in combinations], axis=0).all()


def test_every_value_is_frequent_enough_to_be_learned(faces):
    for name, known in faces["train"].attributes.items():
        counts = np.bincount(known.codes, minlength=len(known.values))
        assert counts.min() >= 0.025 * len(known.codes), name


def test_captions_say_what_is_there(faces):
    train = faces["train"]
    templates = Templates(SETS / f"{train.name}.toml")
    for i in range(0, 100):
        first = train.captions[i][0]
        said = {name: known[i] for name, known in train.attributes.items()}
        for name, table in templates.words["train"]["phrases"].items():
            if said[name] != "none":
                choices = table if isinstance(table, list) else table.get(said[name]) or table["other"]
                assert any(choice.format(**said) in first.replace("an ", "a ") for choice in _plain(choices)), first
        assert " an " not in first or set(words(first)) & {"open", "orange", "angry", "afro", "eyepatch"}


def _plain(choices: list[str]) -> list[str]:
    return [choice.replace("an ", "a ") for choice in choices]


def test_held_out_words_are_no_captions_of_training(faces):
    train = faces["train"]
    texts = {text for example in train.captions[:1000] for text in example}
    others = {text for example in train.paraphrases[:1000] for text in example}
    assert len(texts) > 2900
    assert not texts & others
    known = {word for text in texts for word in words(text)}
    unknown = {word for text in others for word in words(text)} - known
    assert len(unknown) < 25, unknown  # they are sentences in other words, not of other words


def test_what_belongs_to_a_face_stays_with_it(faces):
    test = faces["test"]
    part = test[[7, 3]]
    assert (len(part), part.captions[1], part.paraphrases[0]) == (2, test.captions[3], test.paraphrases[7])
    np.testing.assert_array_equal(part.examples[0], test.examples[7])
    assert [known[1] for known in part.attributes.values()] == [known[3] for known in test.attributes.values()]
    again = data.load(test.name, split="test[3:8]")
    assert (again.captions[0], again.described()) == (test.captions[3], test[3:8].described())


def test_captions_are_the_same_everywhere():
    assert data.load("avatars", split="test[:1]").captions[0] == (
        "a picture of a face with dark glasses, pale skin, a purple cap, purple clothes, messy blond hair and a happy "
        "smile",
        "a face with pale skin, a purple hat, messy hair in blond and a pair of dark glasses",
        "a picture of a face with a purple shirt, messy blond hair, fair skin, sunglasses and a purple hat",
    )


def test_one_caption_of_each_is_chosen_by_the_seed():
    faces = data.load("avatars", split="test[:50]")
    assert faces.texts(1) == faces.texts(1) != faces.texts(2)
    assert all(text in captions for text, captions in zip(faces.texts(1), faces.captions, strict=True))


@pytest.fixture(scope="module")
def emoji() -> list[data.CaptionedDataset]:
    return [data.load("openmoji", split=split) for split in ("train", "test")]


def test_emoji_have_names_tags_and_line_art(emoji):
    train, test = emoji
    assert len(train) + len(test) == 2465
    assert (train.example_shape, train.condition_shape) == ((64, 64, 3), (64, 64, 1))
    number = train.captions.index(("red heart",))
    assert train.attributes["group"][number] == "smileys-emotion"
    assert "love" in train.tags[number]
    red, green, blue = train.examples[number].reshape(-1, 3).T.astype(int)
    assert (red - np.maximum(green, blue)).max() > 150  # colour, where the line art has none
    images, lines = next(iter(train.batches(4, 0, with_conditions=True)))
    assert (images.shape, lines.shape) == ((4, 64, 64, 3), (4, 64, 64, 1))


def test_variants_of_an_emoji_are_in_one_split(emoji):
    def plain(name: str) -> str:
        return name.removeprefix("man ").removeprefix("woman ").removeprefix("person ")

    people = [{plain(n) for (n,) in part.captions if plain(n) != n} for part in emoji]
    assert people[1]
    assert not people[0] & people[1]


@pytest.mark.parametrize("name", ["noto", "twemoji"])
def test_emoji_in_other_styles_are_those_of_openmoji(name, emoji):
    ours = [data.load(name, split=split) for split in ("train", "test")]
    assert [len(part) for part in ours] == [1463, 139]
    for part, known in zip(ours, emoji, strict=True):
        assert part.example_shape == (64, 64, 3)
        assert part.sources is None
        numbers = {known.attributes["code"][i]: i for i in range(len(known))}
        same = [numbers[part.attributes["code"][i]] for i in range(len(part))]
        assert [known.captions[i] for i in same] == part.captions
        assert same == sorted(same)
        assert not {"flags", "geometric"} & {each[i] for each in part.attributes.values() for i in range(len(part))}
    heart = ours[0].examples[ours[0].captions.index(("red heart",))].astype(int)
    assert heart[32, 32, 0] - heart[32, 32, 1:].max() > 100
    assert (heart[0, 0] == 255).all()


def test_pictures_with_words_are_resized():
    assert data.load("avatars", split="test[:3]", image_size=8).example_shape == (8, 8, 3)
    emoji = data.load("openmoji", split="test[:3]", image_size=32)
    assert (emoji.example_shape, emoji.condition_shape) == ((32, 32, 3), (32, 32, 1))


@pytest.mark.parametrize("split", ["tests", "test[:10%]", "test[5000:]"])
def test_wrong_splits_are_refused(split):
    with pytest.raises(InputError, match="Expected a split of avatars"):
        data.load("avatars", split=split)


def test_loading_needs_no_tensorflow():
    code = "from keras_gan_zoo import data; import sys; d = data.load('avatars'); d.captions[0]; d.described()"
    code += "; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_the_files_stay_small():
    assert (SETS / "avatars.npz").stat().st_size < 1.5e6
    assert sum((SETS / f"{name}.npz").stat().st_size for name in ("noto", "twemoji")) < 7e6
    assert (SETS / "letters.npz").stat().st_size < 1.5e6
    assert sum(path.stat().st_size for path in SETS.iterdir()) < 18e6
    assert "resolved" not in (ROOT / "docs" / "data" / "package-lock.json").read_text()


# ------------------------------------------------------------------------------------------------------- own examples


def images(n=3):
    return np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)


def test_a_data_set_with_captions_is_a_data_set():
    ours = data.CaptionedDataset(images(), ["a", ["b", "c"], ("d",)], name="three")
    assert repr(ours) == "<CaptionedDataset three: 3 x (4, 4, 3), captions>"
    assert ours.captions == [("a",), ("b", "c"), ("d",)]
    assert ours.vocabulary == {"a", "b", "c", "d"}
    plain = data.Dataset(images(), name="three")
    assert plain.described() == ours.described()  # a run that was saved without captions resumes with them
    np.testing.assert_array_equal(next(iter(ours.batches(3, 5))), next(iter(plain.batches(3, 5))))
    assert len(list(ours.batches_in_order(2))) == 2
    assert ours.in_memory().captions == ours.captions


def test_labels_and_captions_live_together():
    labelled = data.Dataset(images(), [0, 1, 0], class_names=["cat", "dog"])
    ours = data.CaptionedDataset(labelled, ["a cat", "a dog", "a cat"])
    assert (ours.labels.tolist(), ours.class_names, ours.num_classes) == ([0, 1, 0], ("cat", "dog"), 2)
    assert ours[[1]].labels.tolist() == [1]
    assert ours[1][1] == 1


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (["a", "b"], "each of 3 examples. Received: 2"),
        (["a", [], "c"], "none for example 1"),
        (["a", " ", "c"], "with words. Received: ' ' as number 1"),
        (["a", "b", "?!"], "Received: '\\?!'"),
        (["a", 7, "c"], "Received: int 7"),
        ((text for text in "abc"), "Expected a list with the captions.*Received: generator"),
        ("abc", "Expected a list with the captions.*Received: str"),
    ],
)
def test_unusable_captions_are_refused(captions, message):
    with pytest.raises(InputError, match=message):
        data.CaptionedDataset(images(), captions)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"attributes": [1, 2, 3]}, r"dictionary of kgz\.data\.Attribute. Received: \[1, 2, 3\]"),
        ({"attributes": {"hat": ["red", "blue", "red"]}}, "dictionary of kgz"),
        (
            {"attributes": {"hat": data.Attribute(("red",), np.zeros(2, int))}},
            r"of 3 examples as the codes of 'hat'.*\(2,\)",
        ),
        (
            {"attributes": {"hat": data.Attribute(("red",), np.arange(3))}},
            "from 0 to 0, one for each value. Received: 0 to 2",
        ),
        ({"tags": [("red",)]}, "tags of each of 3 examples. Received: 1"),
    ],
)
def test_unusable_attributes_and_tags_are_refused(known, message):
    with pytest.raises(InputError, match=message):
        data.CaptionedDataset(images(), ["a", "b", "c"], **known)


# ------------------------------------------------------------------------------------------------------------- folders


@pytest.fixture
def folder(tmp_path) -> Path:
    for number, name in enumerate(["a.png", "b.png", "c.png"]):
        Image.fromarray(images()[number]).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("memory_limit", [0, 10_000])
@pytest.mark.parametrize("header", ["", "file,caption\n"])
def test_a_table_of_captions(folder, header, memory_limit):
    (folder / "captions.csv").write_text(f'{header}b.png,blue\na.png,"red, bright"\nc.png,green\na.png,a red one\n')
    loaded = data.load(folder, memory_limit=memory_limit)
    assert loaded.captions == [("red, bright", "a red one"), ("blue",), ("green",)]
    np.testing.assert_array_equal(loaded.in_memory().examples, images())
    assert (loaded[[2]].examples[0, 0, 0, 0], loaded[[2]].captions) == (2, [("green",)])
    assert (loaded.read([1])[0, 0, 0, 0], loaded.glimpse()[1, 0, 0, 0]) == (1, 1)
    np.testing.assert_array_equal(np.concatenate(list(loaded.batches_in_order(2)))[:, 0, 0, 0] > -1, [0, 1, 1])


def test_captions_beside_images_of_classes(tmp_path):
    for number, name in enumerate(["cat", "dog"]):
        (tmp_path / name).mkdir()
        Image.fromarray(images()[number]).save(tmp_path / name / "1.png")
        (tmp_path / name / "1.txt").write_text(f"a {name}\n\nan animal\n", encoding="utf-8-sig")
    (tmp_path / "LICENSE.txt").write_text("")
    loaded = data.load(tmp_path)
    assert loaded.captions == [("a cat", "an animal"), ("a dog", "an animal")]
    assert (loaded.labels.tolist(), loaded.class_names) == ([0, 1], ("cat", "dog"))


def test_captions_stay_on_a_background(tmp_path):
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("nothing")
    loaded = data.load(tmp_path, background="white")
    assert (loaded.captions, loaded.examples.min()) == ([("nothing",)], 255)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a.png,red\nb.png,blue\n", r"each of 3 pictures\. Received: none for 1, such as .*c\.png"),
        ("a.png,red\nb.png,blue\nc.png,\n", "'' in row 3 of"),
        ("a.png,red\nb.png,blue\nc.png, ,,\n", "'' in row 3 of"),
        ("a.png,red\nb.png,blue\nc.png\n", "1 in row 3"),
        ("d.png;red\na.png;blue\n", r"d\.png in row 1, which is no picture.* Write names as in a\.png"),
        ('a.png,"red\nb.png,blue\nc.png,green\n', "row that is none.*not closed"),
        ('a.png,"red" hat\nb.png,blue\nc.png,green\n', "row that is none"),
        ("a.png,red\n".encode("utf-16-le"), "characters 0"),
        ("b.png,grün\n".encode("latin-1"), "UTF-8"),
        ("name,title\na.png,red\n", r"name in row 1.* name its two columns file and caption"),
        ("id,file,caption\n0,a.png,red\n", r"3 in row 1.* name its two columns file and caption"),
        ("a.png,red\nd.png,blue\n", r"d\.png in row 2, which is no picture"),
        ("file,caption\na.png,red,bright\n", "3 in row 2.*Rename the file"),
        ("", "none for 3"),
        (b"a.png,\xff\n", "UTF-8"),
    ],
)
def test_tables_that_do_not_fit_are_refused(folder, table, message):
    (folder / "captions.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(InputError, match=message):
        data.load(folder)


def test_texts_that_do_not_fit_are_refused(folder):
    (folder / "a.txt").write_text("red")
    with pytest.raises(InputError, match=r"none for 2, such as .*b\.png"):
        data.load(folder)
    (folder / "b.txt").write_text("\n")
    (folder / "c.txt").write_text("green")
    with pytest.raises(InputError, match=r"Received: '' in .*b\.txt"):
        data.load(folder)
    (folder / "captions.csv").write_text("a.png,red\n")
    with pytest.raises(InputError, match="both"):
        data.load(folder)


TABLE = [
    ("a.png", "red; bright"),
    ("a.png", "a red one"),
    ("b.png", "blue"),
    ("c.png", "green"),
    ("a.png", "a red one"),
]


def table(delimiter=",", end="\n", header="", rows=TABLE):
    quoted = (
        f'{file}{delimiter}"{caption}"' if delimiter in caption else f"{file}{delimiter}{caption}"
        for file, caption in rows
    )
    return header + end.join(quoted) + end


@pytest.mark.parametrize(
    "content",
    [
        table().encode("utf-8-sig"),
        table("\t", "\r\n", "file\tcaption\r\n").encode("utf-16"),
        table(";", "\r\n").encode("utf-8-sig"),
        table(";", header="file_name;text\n").encode(),
        table(end="\r").encode(),
        table(end=",,\r\n").encode() + b",,\r\n\r\n",
        table(rows=[(f" ./{file} ", f"  {caption} ") for file, caption in TABLE]).encode(),
        table(rows=[(f"sub\\..\\{file}", caption) for file, caption in TABLE]).encode(),
        b'a.png, "red;\nbright"\na.png,a red one\nb.png,blue\nc.png,green\n',
    ],
)
def test_tables_as_programs_write_them(folder, content):
    (folder / "captions.csv").write_bytes(content)
    loaded = data.load(folder)
    assert loaded.captions == [("red; bright", "a red one"), ("blue",), ("green",)]
    assert not any("captions.csv" in remark for remark in loaded.remarks)  # it is read, not left out


def test_quotation_marks_and_names_are_read_as_meant(tmp_path):
    for name in ("a, b.png", "cafe\u0301.png"):  # as macOS stores an accent
        Image.fromarray(images()[0]).save(tmp_path / name)
    (tmp_path / "captions.csv").write_text('"a, b.png","a ""red"" hat"\ncaf\u00e9.png,5" of grün\n', encoding="utf-8")
    assert data.load(tmp_path).captions == [('a "red" hat',), ('5" of grün',)]


def test_captions_stay_with_their_pictures_in_every_folder(tmp_path):
    """Hidden pictures, links, classes by number: the list of captions is that of the pictures."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    levels = {
        "10/x.png": 10,
        "2/x.png": 2,
        "2/.y.png": 90,
        ".9/x.png": 91,
        "__MACOSX/x.png": 92,
        "../elsewhere/z.png": 1,
    }
    for name, level in levels.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), level, np.uint8)).save(folder / name)
        (folder / name).with_suffix(".txt").write_text(f"level {level}")
    (folder / "1").symlink_to(elsewhere)
    (folder / "notes.txt").write_text("of another kind")

    def check():
        for options in ({}, {"channels": 3}, {"image_size": 8}, {"memory_limit": 0}):
            loaded = data.load(folder, **options)
            assert isinstance(loaded, data.CaptionedDataset)
            assert loaded.captions == [("level 1",), ("level 2",), ("level 10",)]
            assert loaded.in_memory().examples[:, 0, 0, 0].tolist() == [1, 2, 10]
            assert (loaded.labels.tolist(), loaded.class_names) == ([0, 1, 2], ("1", "2", "10"))
            assert [(part.captions, part.labels.tolist()) for part in (loaded[1:2], loaded[[1]])] == [
                ([("level 2",)], [1])
            ] * 2
            assert any("notes.txt" in remark for remark in loaded.remarks)

    check()
    for path in {text.resolve() for text in folder.glob("*/*.txt")}:
        path.unlink()
    (folder / "captions.csv").write_text("10\\x.png,level 10\n1/z.png,level 1\n2/x.png,level 2\n")
    check()
    with (folder / "captions.csv").open("a") as file:
        file.write("2/.y.png,hidden\n")
    with pytest.raises(InputError, match=r"2/\.y\.png in row 4, which is no picture of the folder, or a hidden one"):
        data.load(folder)


def test_words_stay_through_channels_and_background():
    grey = data.load("avatars", split="test[:4]", channels=1, image_size=8)
    whole = data.load("avatars", split="test[:4]")
    assert (grey.example_shape, list(grey.captions)) == ((8, 8, 1), list(whole.captions))
    assert [known[2] for known in grey.attributes.values()] == [known[2] for known in whole.attributes.values()]
    assert list(grey.paraphrases) == list(whole.paraphrases)
    emoji = data.load("openmoji", split="test[:4]", channels=4)
    assert emoji.example_shape == (64, 64, 4)
    assert (emoji.tags, emoji.condition_shape) == (data.load("openmoji", split="test[:4]").tags, (64, 64, 1))
    assert emoji[2:].tags == emoji.tags[2:]


def test_contents_say_that_there_are_captions():
    contents = Contents.of(data.CaptionedDataset(images(), ["a", ("b", "c"), "d"]))
    assert (contents.captions, contents.values) == (("a",), "3 images of shape (4, 4, 3), colour, uint8 from 0 to 2")
    assert Contents.of(data.Dataset(images())).captions == ()


def test_streamed_pictures_keep_their_captions():
    import tensorflow as tf

    from keras_gan_zoo.data.streamed import StreamedDataset

    streamed = StreamedDataset(tf.data.Dataset.from_tensor_slices((images(), [1, 0, 1])), 3, (4, 4, 3), name="few")
    ours = data.CaptionedDataset(streamed, ["a", "b", "c"])
    assert (ours.condition_shape, ours.has_labels) == ((), True)
    assert (ours[1:].captions, ours[1:].labels.tolist()) == ([("b",), ("c",)], [0, 1])
    assert (ours.in_memory().captions, ours.in_memory().examples[2, 0, 0, 0]) == (ours.captions, 2)
    pictures, classes = next(iter(ours.batches(3, 0, with_conditions=True, shuffle=False)))
    assert (pictures.shape, classes.numpy().tolist()) == ((3, 4, 4, 3), [1, 0, 1])


# ------------------------------------------------------------------------------------------------ TensorFlow Datasets


@pytest.mark.parametrize("kind", ["text", "sequence", "dictionaries"])
def test_texts_of_tensorflow_datasets_are_captions(tmp_path, monkeypatch, kind):
    import tensorflow_datasets as tfds

    text = tfds.features.Text()
    of_example = {
        "text": ("caption", text, lambda i: f"grey {i}"),
        "sequence": ("captions", tfds.features.Sequence(text), lambda i: [f"grey {i}", "plain"]),
        "dictionaries": ("captions", tfds.features.Sequence({"text": text}), lambda i: [{"text": f"grey {i}"}]),
    }
    key, feature, make = of_example[kind]
    features = {"image": tfds.features.Image(shape=(4, 4, 3)), "file_name": text, key: feature}
    examples = [(i, {"image": images()[i], "file_name": f"{i}.png", key: make(i)}) for i in range(3)]
    tfds.dataset_builders.store_as_tfds_dataset(
        "small", "1.0.0", tfds.features.FeaturesDict(features), {"train": examples}, data_dir=tmp_path
    )
    monkeypatch.setattr(tfds, "builder", lambda name, **_: tfds.builder_from_directory(tmp_path / "small" / "1.0.0"))
    loaded = data.load("mnist")
    assert [texts[0] for texts in loaded.captions] == [f"grey {image[0, 0, 0]}" for image in loaded.examples]
    assert len(loaded.captions[0]) == (2 if kind == "sequence" else 1)
    assert loaded[1:].captions == loaded.captions[1:]
    (remark,) = data.load("mnist", memory_limit=0).remarks
    assert remark.startswith("Captions left out, because the images are read batch by batch")


def test_texts_that_an_example_lacks_are_no_captions():
    dataset = data.Dataset(images())
    assert type(tfds_module._with_captions(dataset, [("a",), ("!", ""), ("b",)])) is data.Dataset
    assert dataset.remarks == ("Captions left out, because 1 examples have none, first 1.",)
    assert tfds_module._with_captions(dataset, [("a", ""), ("b",), ("c",)]).captions == [("a",), ("b",), ("c",)]
