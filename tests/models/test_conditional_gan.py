"""The conditional GAN: its networks, its labels by index and by name, its falling learning rate."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.helpers import assert_same, weights_of

NAMES = ["zero", "one", "two"]
VECTORS = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
SMALL = {"generator_units": 12, "discriminator_units": 24, "pieces": 2, "seed": 0}


def vector_gan(**arguments):
    return kgz.ConditionalGAN.for_images((2,), 3, **{"class_names": NAMES, **SMALL, **arguments})


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


# ------------------------------------------------------------------------------------------------------------ networks


def test_the_networks_are_those_of_mirza_and_osindero():
    gan = kgz.ConditionalGAN.for_images((28, 28, 1), num_classes=10)
    hidden = layers_of(gan.generator, keras.layers.Dense)
    kernels = [tuple(layer.kernel.shape) for layer in hidden]
    assert kernels == [(100, 200), (10, 1000), (1200, 1200), (1200, 784)]  # noise, label, both, pixels
    assert [layer.activation for layer in hidden[:3]] == [keras.activations.relu] * 3
    assert [layer.activation for layer in layers_of(gan.generator, keras.layers.Activation)] == [
        keras.activations.sigmoid
    ]
    units = layers_of(gan.discriminator, kgz.networks.Maxout)
    assert [(layer.units, layer.pieces) for layer in units] == [(240, 5), (50, 5), (240, 4)]
    assert [layer.kernel.shape[0] for layer in units] == [784, 10, 240 + 50]  # image, label, both
    for network in (gan.generator, gan.discriminator):
        assert [layer.rate for layer in layers_of(network, keras.layers.Dropout)] == [0.5] * 3
    assert gan.generator.output_shape == (None, 28, 28, 1)
    assert gan.discriminator.output_shape == (None, 1)
    assert (gan.conditional, gan.num_classes) == (True, 10)


def test_vectors_get_no_dropout_and_an_unbounded_output():
    gan = vector_gan()
    assert gan.generator.layers[-1].activation is keras.activations.linear
    assert not layers_of(gan.generator, keras.layers.Dropout) + layers_of(gan.discriminator, keras.layers.Dropout)


def test_convolutions_are_one_argument_away():
    gan = kgz.ConditionalGAN.for_images((8, 8, 1), 4, num_classes=3, architecture="dcgan", width=2)
    assert layers_of(gan.generator, keras.layers.Conv2DTranspose)
    gan.compile(run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)).astype("float32")
    gan.fit(images, np.arange(4) % 3, batch_size=4, verbose=0)
    assert gan.sample(3, labels=1).shape == (3, 8, 8, 1)


# -------------------------------------------------------------------------------------------------------------- labels


LABELS = np.arange(64) % 2
LINE = (2.0 * LABELS[:, None] - 1 + np.random.default_rng(0).normal(0, 0.05, (64, 1))).astype("float32")


def line_gan():
    """Class 0 lies at -1 of a line and class 1 at 1; at first both are sampled from all of it."""
    gan = kgz.ConditionalGAN.for_images((1,), 2, num_classes=2, generator_units=24, discriminator_units=24, seed=0)
    out = layers_of(gan.generator, keras.layers.Dense)[-1]
    out.kernel.assign(8 * np.array(out.kernel))
    return gan


def test_the_discriminator_learns_what_a_label_means():
    gan = line_gan()
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(0.01))
    gan.fit(LINE, LABELS, batch_size=16, epochs=10, verbose=0)

    def score(example, label):
        return float(gan.discriminator([np.full((1, 1), example, "float32"), np.array([label])])[0, 0])

    assert score(-1, 0) > score(-1, 1) + 1
    assert score(1, 1) > score(1, 0) + 1


def test_the_generator_learns_what_a_label_means():
    example, label = keras.Input((1,)), keras.Input((), dtype="int32")
    sign = keras.layers.Dense(1, use_bias=False)
    one_hot = keras.layers.CategoryEncoding(2, output_mode="one_hot")(label)
    wants = keras.Model([example, label], keras.layers.Multiply()([example, sign(one_hot)]))
    sign.set_weights([np.array([[-1.0], [1.0]])])  # low examples of class 0, high ones of class 1
    gan = kgz.ConditionalGAN(line_gan().generator, wants, num_classes=2, seed=0)

    def means():
        return [gan.sample(200, labels=label, seed=0).mean() for label in (0, 1)]

    before = means()
    gan.compile(keras.optimizers.Adam(0.01), keras.optimizers.SGD(0.0))
    gan.fit(LINE, LABELS, batch_size=16, epochs=3, verbose=0)
    after = means()
    assert after[0] < before[0] - 0.2
    assert after[1] > before[1] + 0.2


def test_generated_examples_are_judged_under_the_labels_beside_them():
    gan, seen = vector_gan(), []
    score = gan.score
    gan.score = lambda examples, labels, training=True: (
        seen.append(np.array(labels)) or score(examples, labels, training)
    )
    gan.compile(run_eagerly=True)
    labels = tf.constant([2, 0, 1, 1])
    gan.train_step((tf.constant(VECTORS[:4]), labels))
    assert len(seen) == 3  # real, generated, and generated for the generator's step
    for judged in seen:
        np.testing.assert_array_equal(judged, labels)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("two", [2, 2, 2]),
        (1, [1, 1, 1]),
        (np.int64(1), [1, 1, 1]),
        (["two", "zero", "one"], [2, 0, 1]),
        (("two", 0, "one"), [2, 0, 1]),
        ([2, "zero", np.int32(1)], [2, 0, 1]),
        (np.array(["one", "one", "zero"]), [1, 1, 0]),
        (np.array([2, 1, 0]), [2, 1, 0]),
        (None, [0, 1, 2]),
    ],
    ids=str,
)
def test_classes_are_asked_for_by_name_or_index(asked, expected):
    gan = vector_gan()
    noise = np.random.default_rng(7).standard_normal((3, 3), dtype=np.float32)
    by_hand = gan.generator([noise, np.array(expected)], training=False)
    np.testing.assert_allclose(gan.sample(3, labels=asked, seed=7), by_hand, rtol=1e-5, atol=1e-7)
    assert len({tuple(row) for row in np.array(gan.generator([noise[:1].repeat(3, 0), np.arange(3)]))}) == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("tow", "Unknown class 'tow'. Expected one of: one, two, zero. Did you mean 'two'"),
        (["zero", "onne", 1], "Unknown class 'onne'.*Did you mean 'one'"),
        ("1", "Unknown class '1'"),
        (3, "from 0 to 2"),
        (-1, "from 0 to 2"),
        ([0, 1, 3], "from 0 to 2"),
        (1.0, "Expected integer labels"),
        (True, "Expected integer labels"),
        (["zero", "one"], "one label or 3 labels"),
        ([], "one label or 3 labels"),
        ([[0, 1, 2]], "one label or 3 labels"),
    ],
)
def test_impossible_classes_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        vector_gan().sample(3, labels=labels)


def test_without_names_classes_go_by_index():
    with pytest.raises(InputError, match=r"this model knows no class names\. Received: 'one'"):
        vector_gan(class_names=None, num_classes=3).sample(3, labels="one")


# ------------------------------------------------------------------------------------------------------------- classes


def test_classes_must_be_given():
    for arguments in ({}, {"architecture": "dcgan"}):
        with pytest.raises(InputError, match="ConditionalGAN expects num_classes"):
            kgz.ConditionalGAN.for_images((8, 8, 1), **arguments)
    with pytest.raises(InputError, match="Expected num_classes"):
        kgz.networks.conditional_maxout_pair((8, 8, 1))
    with pytest.raises(InputError, match="Expected num_classes"):
        kgz.networks.conditional_dcgan_pair((8, 8, 1))


def test_no_classes_are_no_conditional_gan():
    with pytest.raises(InputError, match="num_classes"):
        kgz.ConditionalGAN.for_images((8, 8, 1), num_classes=0, architecture="dcgan", width=2)


def test_names_say_how_many_classes_there_are():
    gan = vector_gan()
    assert gan.num_classes == 3
    assert vector_gan(num_classes=3).num_classes == 3
    with pytest.raises(InputError, match=r"as many class_names as num_classes=4\. Received: 3 names"):
        vector_gan(num_classes=4)


def test_names_survive_saving(tmp_path):
    gan = vector_gan()
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert type(again) is kgz.ConditionalGAN
    assert (again.class_names, again.num_classes) == (tuple(NAMES), 3)
    np.testing.assert_array_equal(gan.sample(3, labels="two", seed=0), again.sample(3, labels=2, seed=0))


def test_data_need_labels_within_range():
    gan = vector_gan()
    gan.compile()
    with pytest.raises(InputError, match=r"Expected labels.*Pass both, as in fit\(images, labels\)"):
        gan.fit(VECTORS, batch_size=4, verbose=0)
    with pytest.raises(InputError, match="Expected labels"):
        gan.fit(kgz.data.Dataset(VECTORS), batch_size=4, verbose=0)
    with pytest.raises(InputError, match="Expected labels"):
        gan.evaluate(VECTORS, verbose=0)
    with pytest.raises(InputError, match="from 0 to 2"):
        gan.fit(VECTORS, np.arange(12) % 4, batch_size=4, verbose=0)


# --------------------------------------------------------------------------------------------------- the learning rate


def test_the_learning_rate_falls_to_a_millionth_and_stays():
    optimizer = kgz.ConditionalGAN.paper_optimizer()
    assert type(optimizer) is keras.optimizers.SGD
    assert optimizer.momentum == 0.5
    optimizer.build([keras.Variable(0.0)])
    for step, expected in ((0, 0.1), (1000, 0.1 / 1.00004**1000), (100_000, 0.1 / 1.00004**100_000)):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(expected, rel=1e-5)
    for step in (288_000, 10**6, 10**9):  # 0.1 / 1.00004**287_830 = 1e-6
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(1e-6, rel=1e-6)
    optimizer.iterations.assign(287_000)
    assert float(optimizer.learning_rate) > 1e-6


def test_another_learning_rate_does_not_fall():
    optimizer = kgz.ConditionalGAN.paper_optimizer(learning_rate=0.02)
    optimizer.build([keras.Variable(0.0)])
    optimizer.iterations.assign(10**6)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
    assert optimizer.momentum == 0.5


def test_the_falling_rate_survives_saving(tmp_path):
    gan = vector_gan()
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        optimizer.iterations.assign(1000)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert float(again.generator_optimizer.learning_rate) == pytest.approx(0.1 / 1.00004**1000, rel=1e-5)
    for model in (gan, again):
        model.fit(VECTORS, np.arange(12) % 3, batch_size=6, verbose=0)
    assert_same(weights_of(gan), weights_of(again))


def test_training_is_that_of_the_gan():
    arguments = {"num_classes": 3, "architecture": "conditional_maxout", **SMALL}
    weights = []
    for kind in (kgz.ConditionalGAN, kgz.GAN):
        gan = kind.for_images((2,), 3, **arguments)
        gan.compile("adam", "adam", run_eagerly=True)
        gan.fit(VECTORS, np.arange(12) % 3, batch_size=6, verbose=0)
        weights.append(weights_of(gan))
    assert_same(*weights)
