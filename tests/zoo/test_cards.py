import pytest

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo import cards

DIGEST = "0" * 64
TABLE = f"""
[tiny]
variant = "gan"
[tiny.files]
"generator.npz" = "{DIGEST}"
"""


def test_cards_survive_their_file(tmp_path):
    card = cards.Card(
        "tiny",
        "gan",
        description="é",
        training_minutes=1.5,
        files={"config.json": DIGEST},
        scores={"generated": [{"metric": "m", "values": {"value": 1.0, "spread": float("inf")}, "protocol": {"n": 2}}]},
    )
    cards.write(
        {"tiny": card, "other": cards.Card("other", "wgan", url="https://x/y.zip", sha256=DIGEST)}, tmp_path / "t"
    )
    found = cards.read((tmp_path / "t").read_bytes(), "t")
    assert list(found) == ["other", "tiny"]
    assert found["tiny"] == card
    assert found["tiny"].figures() == {"m": 1.0, "m.spread": float("inf")}
    assert found["tiny"].figures("reference") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tiny", r"preset: .* Received: t \("),
        ("tiny = 1", "a table with a variant"),
        ("[tiny]\nfiles = {}", "a table with a variant"),
        (TABLE.replace("variant", "varaint"), "with a variant"),
        (TABLE + "[other]\nvariant = 'gan'\nlicense = 'x'", "Did you mean 'licence'"),
        (TABLE.replace("tiny", "'../x'"), "name of a preset"),
        (TABLE.replace("generator.npz", "../../x"), "Unknown file of a preset '../../x'"),
        (TABLE.replace("000", "xyz"), "SHA-256 of generator.npz"),
        (TABLE.replace('"gan"', '"gan"\nurl = "https://x/y.zip"'), "or url and sha256"),
        ("[tiny]\nvariant = 'gan'", "or url and sha256"),
        (TABLE.replace('"gan"', "3"), "Expected variant of the preset tiny"),
        (TABLE.replace('"gan"', '"gan"\nrecipe = 3'), "Expected recipe of the preset tiny"),
    ],
)
def test_what_is_no_card_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        cards.read(text.encode(), "t")


def test_close_names_are_suggested():
    with pytest.raises(InputError, match="Did you mean 'conditional_gan_mnist'"):
        cards.card("conditional_gan_mnits")
