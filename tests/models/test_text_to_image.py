"""GAN-INT-CLS: its updates, worked out by hand; its texts, vectors and encoders."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, derivative, noise, softplus
from tests.helpers import assert_same, weights_of

CAPTIONS = ["a red square", "a blue square", "a dark red one", "a blue one"]


def length(texts):
    """An encoder: one number, how long a text is."""
    return [[len(text) / 10] for text in texts]


def lengths(texts):
    return [[len(text) / 10, 1.0] for text in texts]


def small(**arguments):
    return kgz.TextToImageGAN.for_images((8, 8, 3), 4, **{"width": 4, "text_units": 4, "seed": 0, **arguments})


@pytest.fixture(scope="module")
def gan():
    return small(vocabulary={"a", "red", "blue", "dark", "square", "one"})


@pytest.fixture
def squares():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    images[[0, 2], ..., 0] = images[[1, 3], ..., 2] = 255
    return kgz.data.CaptionedDataset(images, CAPTIONS)


# ------------------------------------------------------------------------------------------------------- the algorithm


def player(weights, **options):
    """A linear function of an example, or of noise, and the vector of its text."""
    inputs = keras.Input((1,), name="noise"), keras.Input((1,), name="condition")
    layer = keras.layers.Dense(1, **options)
    model = keras.Model(inputs, layer(keras.layers.Concatenate()(inputs)))
    layer.set_weights([np.reshape(weights[:2], (2, 1)), np.reshape(weights[2], 1)])
    return model


def linear(weights, x, h):
    return weights[0] * x + weights[1] * h + weights[2]


REAL = np.array([0.4, -1.2, 0.9, 2.0])
TEXTS = np.array([0.5, 0.5, -1.0, 0.3])  # the wrong text of the first is its own
START = np.array([0.7, -0.2, 0.1]), np.array([1.3, 0.4, -0.6])


@pytest.mark.parametrize("matching_aware", [True, False])
@pytest.mark.parametrize("interpolation", [True, False])
def test_a_step_is_that_of_algorithm_1(float64, matching_aware, interpolation):
    rate, (g, d) = 0.5, START
    for_discriminator, for_generator, between = noise(0, 3)
    wrong_texts = np.roll(TEXTS, -1)

    def d_loss(d):
        fake = linear(d, linear(g, for_discriminator, TEXTS), TEXTS)
        losses = [softplus(-linear(d, REAL, TEXTS)), softplus(fake)]
        if matching_aware:
            wrong = np.where(wrong_texts == TEXTS, fake, linear(d, REAL, wrong_texts))
            losses = [losses[0], softplus(wrong) / 2, softplus(fake) / 2]
        return sum(part.mean() for part in losses)

    after_d = d - rate * derivative(d_loss, d)

    def g_loss(g):
        z, h = for_generator, TEXTS
        if interpolation:
            z, h = np.append(z, between), np.append(h, (TEXTS + wrong_texts) / 2)
        return softplus(-linear(after_d, linear(g, z, h), h)).mean()

    after_g = g - rate * derivative(g_loss, g)

    options = {"encoder": length, "matching_aware": matching_aware, "interpolation": interpolation, "seed": SEED}
    gan = kgz.TextToImageGAN(player(g), player(d), **options)
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate), run_eagerly=True)
    logs = gan.train_on_batch(REAL[:, None], TEXTS[:, None], return_dict=True)
    for network, expected in ((gan.discriminator, after_d), (gan.generator, after_g)):
        np.testing.assert_allclose(np.concatenate([np.ravel(w) for w in network.weights]), expected, atol=1e-12)
    np.testing.assert_allclose([logs["d_loss"], logs["g_loss"]], [d_loss(d), g_loss(g)], rtol=1e-6)


def test_losses_of_the_generators_layers_are_added_once(float64):
    losses = []
    for options in ({}, {"kernel_regularizer": keras.regularizers.L2(0.25)}):
        gan = kgz.TextToImageGAN(player(START[0], **options), player(START[1]), encoder=length, seed=SEED)
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), run_eagerly=True)
        losses.append(float(gan.train_on_batch(REAL[:, None], TEXTS[:, None], return_dict=True)["g_loss"]))
    assert losses[1] - losses[0] == pytest.approx(0.25 * (START[0][:2] ** 2).sum(), rel=1e-6)


def test_the_wrong_text_is_the_next_one_of_the_global_batch(two_replicas):
    texts = np.arange(8, dtype=np.float32).reshape(8, 1)
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(8)
    [batch] = two_replicas.experimental_distribute_dataset(batches)
    found = two_replicas.experimental_local_results(two_replicas.run(replicas.next_rows, (batch,)))
    np.testing.assert_array_equal(np.concatenate(found), np.roll(texts, -1, axis=0))
    np.testing.assert_array_equal(replicas.next_rows(tf.constant(texts)), np.roll(texts, -1, axis=0))


def test_a_pack_is_wrong_if_one_of_its_texts_is():
    gan = small(packing=2)
    vectors = tf.eye(512)[:1]
    texts = tf.repeat(vectors, 4, axis=0) * tf.constant([[1.0], [1.0], [1.0], [2.0]])
    real, fake_scores = tf.zeros((4, 8, 8, 3)), tf.constant([[5.0], [6.0]])
    scores = gan.wrong_scores(real, texts, fake_scores)
    assert scores[0] == 5.0  # of twice the same text: the generated pack takes its place
    assert scores[1] != 6.0


def test_packs_of_texts_and_of_those_between_are_in_turn():
    first, second = tf.constant([[1], [2], [3], [4]]), tf.constant([[5], [6], [7], [8]])
    assert np.ravel(small(packing=2).in_turn(first, second)).tolist() == [1, 2, 5, 6, 3, 4, 7, 8]
    assert np.ravel(small().in_turn(first, second)).tolist() == [1, 5, 2, 6, 3, 7, 4, 8]


@pytest.mark.slow
def test_it_learns_what_words_mean(squares):
    gan = small(width=8)
    gan.compile()
    many = squares[np.repeat(np.arange(4), 8)]
    gan.fit(many, batch_size=32, epochs=500, verbose=0)
    red, blue = (gan.sample(8, text=f"a {colour} square", seed=0).mean(axis=(0, 1, 2)) for colour in ("red", "blue"))
    assert red[0] > 0 > red[2]
    assert blue[2] > 0 > blue[0]


# --------------------------------------------------------------------------------------------------------------- texts


def test_texts_are_conditions(gan):
    vectors = gan.encoder.encode(CAPTIONS[:2])
    np.testing.assert_array_equal(gan.sample(2, text=CAPTIONS[:2], seed=1), gan.sample(2, conditions=vectors, seed=1))
    one = gan.sample(3, text=CAPTIONS[0], seed=1)
    np.testing.assert_array_equal(one, gan.sample(3, text=[CAPTIONS[0]] * 3, seed=1))
    assert not np.array_equal(one, gan.sample(3, text=CAPTIONS[1], seed=1))
    noise = np.random.default_rng(1).standard_normal((3, 4), dtype=np.float32)
    np.testing.assert_allclose(one, gan.sample_from(noise, text=CAPTIONS[0]), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": ""}, "Expected texts with words. Received: '' as number 0"),
        ({"text": [CAPTIONS[0], " ?! "]}, r"Received: ' \?! ' as number 1"),
        ({"text": 3}, "Expected a list of texts. Received: 3"),
        ({"text": [CAPTIONS[0], 3]}, "Received: int 3 as number 1"),
        ({"text": CAPTIONS[:3]}, "Expected one text, or one for each of 2 samples. Received: 3. Add or remove"),
        ({"text": "un cuadrado rojo"}, "Expected words of the captions of training. Received: un, cuadrado, rojo"),
        ({"text": "a red square", "labels": 1}, "Expected one of labels, conditions and text"),
        ({"labels": "a red square"}, "Expected a text, .* Received: 'a red square'. Pass text="),
        ({"conditions": ["a red square"]}, "Expected a text, .*Pass text="),
        ({}, "Expected a text, because this model was trained with texts. Received: none"),
    ],
)
def test_mistakes_with_texts_are_named(gan, given, message):
    with pytest.raises(InputError, match=message):
        gan.sample(2, seed=0, **given)


def test_some_unknown_words_are_named_in_a_warning(gan):
    with pytest.warns(UserWarning, match="No caption of training has: carré"):
        gan.sample(1, text="a red carré", seed=0)


def test_others_take_no_texts():
    plain = kgz.DCGAN.for_images((8, 8, 1), 2, width=2)
    with pytest.raises(InputError, match="Expected no text, because this model was not trained with texts"):
        plain.sample(2, text="a red square")
    with pytest.raises(InputError, match=r"TextToImageGAN|generator that takes noise and vectors"):
        kgz.TextToImageGAN(plain.generator, plain.discriminator)


# ---------------------------------------------------------------------------------------------------------------- data


def test_the_words_of_the_data_are_kept(squares, tmp_path):
    gan = small(encoder="characters")
    gan.compile(run_eagerly=True)
    gan.fit(squares, batch_size=4, verbose=0)
    assert gan.vocabulary == {"a", "red", "blue", "dark", "square", "one"}
    gan.fit(kgz.data.CaptionedDataset(squares.examples, ["Violet"] * 4), batch_size=4, verbose=0)
    assert gan.vocabulary == {"a", "red", "blue", "dark", "square", "one", "violet"}
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert (again.vocabulary, again.encoder.digest) == (gan.vocabulary, gan.encoder.digest)
    assert_same(weights_of(gan), weights_of(again))
    np.testing.assert_array_equal(*(model.sample(2, text="a red one", seed=0) for model in (gan, again)))


def test_data_without_captions_are_refused(squares):
    gan = small()
    gan.compile()
    message = r"Expected captions, or vectors \(512,\) as conditions\. Received: <Dataset"
    for data in ((squares.examples,), (squares.examples, np.arange(4))):
        with pytest.raises(InputError, match=message):
            gan.fit(*data, batch_size=4, verbose=0)
    with pytest.raises(InputError, match=message):
        gan.evaluate(squares.examples, verbose=0)
    with pytest.raises(InputError, match="takes texts, not classes"):
        kgz.training.resolve(kgz.training.Recipe("text_to_image", "avatars", conditional=True, split="train[:64]"))


def test_captions_are_taken_as_labels_are(squares):
    """As arrays beside images, in training, validation and evaluation: the same as the data set of both."""
    results = []
    for given in ((squares.examples, list(CAPTIONS[:4])), (kgz.data.CaptionedDataset(squares.examples, CAPTIONS[:4]),)):
        gan = small()
        gan.compile()
        validation = given if len(given) == 2 else given[0]
        history = gan.fit(*given, batch_size=4, validation_data=validation, verbose=0).history
        results.append((weights_of(gan), history["val_d_loss"], gan.evaluate(*given, verbose=0)))
    assert_same(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]
    batches = tf.data.Dataset.from_tensor_slices((squares.examples, CAPTIONS[:4])).batch(4, drop_remainder=True)
    with pytest.raises(InputError, match=r"batches with the vectors of texts.*or pass arrays: fit\(images, captions\)"):
        gan.fit(batches, verbose=0)
    with pytest.raises(InputError, match=r"from the encoder, 512\. Received: text_dim=64"):
        small(text_dim=64)


def test_noise_is_found_for_images_of_a_text(gan):
    images = gan.sample(2, text=CAPTIONS[:2], seed=1)
    found = [
        gan.invert(images, steps=2, **given).noise
        for given in ({"text": CAPTIONS[:2]}, {"conditions": gan.encoder.encode(CAPTIONS[:2])})
    ]
    np.testing.assert_array_equal(*found)
    with pytest.raises(InputError, match=r"Expected the texts of the examples.*invert\(images, text=...\)"):
        gan.invert(images)


# ------------------------------------------------------------------------------------------------------------ encoders


def test_an_encoder_of_ones_own_is_asked_for_again(tmp_path):
    gan = small(encoder=lengths)
    assert gan.condition.shape == (2,)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    with pytest.raises(InputError, match=r"Expected the encoder of training, 'lengths'.*gan\.encoder = encoder"):
        again.sample(1, text="a red square")
    with pytest.raises(
        InputError, match=r"Expected the encoder of training, <Absent lengths.*Received: <Function <lam"
    ):
        again.encoder = lambda texts: [[0.0, 1.0]] * len(texts)
    again.encoder = lengths
    np.testing.assert_array_equal(*(model.sample(1, text="a red square", seed=0) for model in (gan, again)))


class Embedding:
    def encode(self, texts):
        return lengths(texts)


def test_an_encoder_that_cannot_be_compared_is_taken_with_a_warning(tmp_path):
    gan = small(encoder=Embedding().encode)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    with pytest.warns(UserWarning, match="'encode', the encoder of training, cannot be compared with this one"):
        again.encoder = Embedding().encode
    np.testing.assert_array_equal(*(model.sample(1, text="a red square", seed=0) for model in (gan, again)))


def test_words_that_are_given_are_found_in_any_case():
    assert small(vocabulary=["Green", "hair"]).vocabulary == {"green", "hair"}


def test_updates_at_once_are_refused():
    with pytest.raises(InputError, match=r"take their steps in turn.*Received: simultaneous=True"):
        small(simultaneous=True)


def test_vectors_have_the_length_that_the_networks_take(gan):
    with pytest.raises(InputError, match=r"vectors of length 512.*Received: 'length', whose vectors have 1"):
        kgz.TextToImageGAN(gan.generator, gan.discriminator, encoder=length)
    with pytest.raises(InputError, match=r"Unknown encoder 'Characters'\. .*Did you mean 'characters'"):
        small(encoder="Characters")
    with pytest.raises(InputError, match="Expected an architecture that takes texts, such as 'text_dcgan'"):
        kgz.TextToImageGAN.for_images((8, 8, 3), architecture="dcgan")


def test_captions_are_encoded_once():
    calls = []

    def counting(texts):
        calls.append(len(texts))
        return [[float(len(text)), 1.0] for text in texts]

    images = np.zeros((4, 8, 8, 3), np.uint8)
    data = kgz.data.CaptionedDataset(images, [[text, "a red square"] for text in CAPTIONS])
    validation = kgz.data.CaptionedDataset(images, ["a red square"] * 4)
    gan = small(encoder=kgz.encoders.Encoder(counting, "counting", "1", 2))
    gan.compile(run_eagerly=True)
    for _ in range(2):
        gan.fit(data, batch_size=4, verbose=0, validation_data=validation)
        gan.evaluate(data, verbose=0)
    assert sorted(calls) == [1, 4]  # texts that differ
