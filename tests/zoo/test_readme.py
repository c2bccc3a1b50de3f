"""Model cards: what hubs and people read in them, whatever users call their models, data and classes."""

import dataclasses
import re

import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.metrics.report import Report
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.zoo import cards, readme

yaml = pytest.importorskip("yaml", reason="the extra 'hub' is not installed, which reads model cards")
EVIL = 'a: "b" \\ {c} [d](e) <script> | # - \u2028\x85\x7f\x1b[3m \U0001f642 é\n---\n# f'


def parts_of(page):
    _, metadata, text = page.split("---\n", 2)
    return yaml.safe_load(metadata), text


@pytest.mark.parametrize(
    ("name", "task", "use", "command"),
    [
        ("conditional_gan_mnist", readme.FROM_NOISE, "gan.sample(16, seed=0)", "gan-zoo sample hf://a/b -n 64"),
        ("text_to_image_avatars", readme.FROM_TEXTS, 'text="a picture', "gan-zoo sample hf://a/b --text 'a picture"),
        ("pix2pix_openmoji", readme.FROM_PICTURES, "gan.translate(pictures)", "gan-zoo translate hf://a/b picture.png"),
    ],
)
def test_a_card_says_what_the_preset_is(name, task, use, command):
    card = cards.card(name)
    metadata, text = parts_of(readme.page(card, "hf://a/b", task, has_picture=True))
    assert (metadata["library_name"], metadata["license"], metadata["pipeline_tag"]) == (
        "keras-gan-zoo",
        "apache-2.0",
        task,
    )
    assert {"keras", "gan", card.variant} <= set(metadata["tags"])
    [model] = metadata["model-index"]
    [result] = model["results"]
    expected = {figure: value for figure, value in card.figures().items() if np.isfinite(value)}
    assert {metric["type"]: metric["value"] for metric in result["metrics"]} == expected
    assert (result["task"]["type"], result["dataset"]["name"]) == (task, card.data["name"])
    assert f"model-index: {readme._yaml(metadata['model-index'])}\n" in readme.page(card, "hf://a/b", task)
    for said in (card.description, use, command, card.data["licence"], "](samples.png)", "| epochs |", "split test"):
        assert said in text
    assert re.search(r"^\| ([\w.]+) \| [\d.]+ \|", text, re.M)[1] in card.figures()


def test_what_users_say_is_shown_as_it_is():
    card = dataclasses.replace(
        cards.card("conditional_gan_mnist"), description=EVIL, licence=EVIL, data={"name": EVIL}, paper=EVIL
    )
    metadata, text = parts_of(readme.page(card, "here", readme.FROM_NOISE, [EVIL, "1. b"]))
    assert (metadata["license"], metadata["license_name"]) == ("other", EVIL)
    assert metadata["model-index"][0]["results"][0]["dataset"]["name"] == EVIL
    shown = re.sub(r"```.*?```", "", text, flags=re.S)
    lines = shown.splitlines()
    assert [line for line in lines if line.startswith(("#", "---"))] == [
        "# conditional_gan_mnist",
        *("## Use", "## Scores", "## Recipe", "## Data and licences"),
    ]
    assert not re.findall(r"(?<!\\)<|(?<!\\)\]\(|[\x1b\x7f\x85\u2028]", shown)
    once = r'a: "b" \\ {c} \[d\](e) \<script\> \| \# - \[3m 🙂 é --- \# f'
    assert once in lines
    assert f"- Data: {once}" in lines


@pytest.mark.parametrize(
    ("description", "shown"),
    [("1. one", r"1\. one"), ("- one", r"\- one"), ("-- x", r"\-- x"), ("3 x -1", "3 x -1"), ("a_b _c_", r"a_b \_c\_")],
)
def test_a_description_begins_no_list(description, shown):
    card = dataclasses.replace(cards.card("dcgan_mnist"), description=description)
    assert f"\n\n{shown}\n\n" in readme.page(card, "here")


def test_numbers_are_numbers_in_yaml():
    values = [1e-05, 1.5e-07, 1e22, 0.25, 3, True, None]
    assert yaml.safe_load(readme._yaml(values)) == values


def test_a_saved_model_has_its_card_its_picture_and_its_scores(tmp_path):
    gan = kgz.DCGAN.for_images((8, 8, 1), 4, 2, width=4, class_names=["a|b", "*c*"], seed=0)
    report = Report(
        "x", [Result("ms_ssim", {"value": 0.25}, {"n": 9, "split": None})], [Result("ms_ssim", {"value": 0.5})]
    )
    card = gan.save_preset(tmp_path / "tiny", description="Noise", licence="CC BY 4.0", scores=report)
    assert cards.read((tmp_path / "tiny" / cards.CARD_FILE).read_bytes(), "x") == {"tiny": card}
    metadata, text = parts_of((tmp_path / "tiny" / cards.README).read_text(encoding="utf-8"))
    assert (metadata["license"], metadata["pipeline_tag"]) == ("cc-by-4.0", readme.FROM_NOISE)
    assert "| ms_ssim | 0.25 | 0.5 |" in text
    assert r"chooses one: a\|b, \*c\*." in text
    with Image.open(tmp_path / "tiny" / cards.PICTURE) as picture:
        expected = kgz.pictures.grid(gan.sample(8, seed=0), columns=2)
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected))
    for name in (cards.README, cards.PICTURE):
        (tmp_path / "tiny" / name).unlink()
    again = kgz.load(tmp_path / "tiny")  # as presets were that have none
    assert again.save_preset(tmp_path / "copy").scores == card.scores
    assert again.save_preset(tmp_path / "half", half=True).scores == {}  # they are of other weights
    again.generator.weights[0].assign(again.generator.weights[0] + 1)
    assert again.save_preset(tmp_path / "changed").scores == {}
