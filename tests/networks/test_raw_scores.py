"""Scores that something bounds are told from scores that are only small, or bounded by weights that training moves."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks.raw_scores import are_bounded
from tests.equality import PAIRS, classes_of
from tests.helpers import weights_of


def hidden(x, activation="relu"):
    return layers.Dense(8, activation)(x)


def score(x, *arguments, **options):
    return layers.Dense(1, *arguments, **options)(hidden(x))


def network(scores, shape=(6,)):
    examples = keras.Input(shape)
    return keras.Model(examples, scores(examples))


class OfASubclass(keras.Model):
    def __init__(self, activation):
        super().__init__()
        self.first, self.last, self.activation = layers.Dense(8, "relu"), layers.Dense(1), activation

    def call(self, x):
        return self.activation(self.last(self.first(x)))


class Normalized(layers.Layer):
    """Divides its weights by their norm in each call, so that the size of the weights says nothing."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 1), name="kernel")

    def call(self, x):
        return x @ (self.kernel / ops.norm(self.kernel))


BOUNDED = {
    "sigmoid": lambda x: score(x, "sigmoid"),
    "tanh": lambda x: score(x, "tanh"),
    "softmax": lambda x: layers.Dense(2, "softmax")(hidden(x)),
    "one of a softmax": lambda x: layers.Dense(2, "softmax")(hidden(x))[:, :1],
    "hard sigmoid": lambda x: score(x, "hard_sigmoid"),
    "softsign": lambda x: score(x, "softsign"),
    "relu6": lambda x: score(x, "relu6"),
    "operation": lambda x: ops.sigmoid(score(x)),
    "lambda": lambda x: layers.Lambda(tf.nn.sigmoid)(score(x)),
    "clip": lambda x: ops.clip(score(x), -1, 1),
    "scaled": lambda x: 10 * ops.tanh(score(x)) - 3,
    "spectral": lambda x: layers.SpectralNormalization(layers.Dense(1, "sigmoid"))(hidden(x)),
    "before an identity": lambda x: layers.Identity()(layers.Activation("sigmoid")(score(x))),
    "before a shape": lambda x: layers.Flatten()(layers.Reshape((1, 1))(layers.Activation("tanh")(score(x)))),
    "before dropout": lambda x: layers.Dropout(0.5)(score(x, "sigmoid")),
    "mean": lambda x: ops.mean(layers.Dense(16, "sigmoid")(x), axis=-1, keepdims=True),
    "after batch normalisation": lambda x: ops.sigmoid(layers.BatchNormalization()(score(x))),
    "difference": lambda x: ops.sigmoid(score(x)) - ops.sigmoid(score(x)),
    "subclass": lambda x: OfASubclass(ops.sigmoid)(x),
    "within a network": lambda x: keras.Sequential([keras.Input((8,)), layers.Dense(1, "sigmoid")])(hidden(x)),
    "after a network": lambda x: ops.sigmoid(keras.Sequential([keras.Input((8,)), layers.Dense(1)])(hidden(x))),
    "half precision": lambda x: layers.Dense(2, "softmax", dtype="mixed_float16")(hidden(x)),
    "other half precision": lambda x: score(x, "sigmoid", dtype="mixed_bfloat16"),
}
RAW = {
    "linear": score,
    "hidden tanh": lambda x: layers.Dense(1)(hidden(hidden(x, "tanh"), "tanh")),
    "hidden tanh, no bias": lambda x: layers.Dense(1, use_bias=False)(hidden(x, "tanh")),
    "layer normalisation": lambda x: layers.Dense(1)(layers.LayerNormalization()(hidden(x))),
    "batch normalisation": lambda x: layers.Dense(1)(layers.BatchNormalization()(hidden(x))),
    "zeros": lambda x: score(x, use_bias=False, kernel_initializer="zeros"),
    "spectral": lambda x: layers.SpectralNormalization(layers.Dense(1))(hidden(x, "tanh")),
    "own normalisation": lambda x: Normalized()(hidden(x, "tanh")),
    "gate": lambda x: score(x) * ops.sigmoid(score(x)),
    "one side": lambda x: score(x, "relu"),
    "other side": lambda x: score(x, "log_sigmoid"),
    "logarithm": lambda x: (lambda raw: ops.sign(raw) * ops.log1p(ops.abs(raw)))(score(x)),
    "unit features": lambda x: layers.Dense(1)(layers.UnitNormalization()(hidden(x))),
    "recurrent": lambda x: layers.Dense(1)(layers.GRU(4)(layers.Reshape((2, 3))(x))),
    "subclass": lambda x: OfASubclass(keras.activations.linear)(x),
    "half precision": lambda x: score(x, dtype="mixed_float16"),
}


@pytest.mark.parametrize("scores", BOUNDED.values(), ids=BOUNDED)
def test_bounded_scores_are_found(scores):
    assert are_bounded(network(scores))


@pytest.mark.parametrize("scores", RAW.values(), ids=RAW)
def test_raw_scores_are_left_alone(scores):
    assert not are_bounded(network(scores))


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_maps_and_conditions(activation):
    patches = network(lambda x: layers.Conv2D(1, 3, activation=activation)(x), (8, 8, 3))
    pooled = network(
        lambda x: layers.GlobalAveragePooling2D()(layers.Conv2D(1, 3, activation=activation)(x)), (8, 8, 3)
    )
    examples, labels = keras.Input((6,)), keras.Input((), dtype="int32")
    features = hidden(examples)
    inner = ops.sum(features * layers.Embedding(5, 8)(labels), axis=-1, keepdims=True)  # a projection discriminator
    projected = layers.Activation(activation)(layers.Dense(1)(features) + inner)
    found = [are_bounded(each) for each in (patches, pooled, keras.Model([examples, labels], projected))]
    assert found == [activation is not None] * 3


def test_looking_changes_nothing():
    discriminator = network(lambda x: layers.Dropout(0.5)(layers.BatchNormalization()(score(x))))
    before = weights_of(discriminator)
    state = discriminator.layers[-1].seed_generator.state
    drawn = np.array(state)
    are_bounded(discriminator)
    for weight, value in zip(before, weights_of(discriminator), strict=True):
        np.testing.assert_array_equal(weight, value)
    np.testing.assert_array_equal(drawn, state)


@pytest.mark.parametrize("architecture", PAIRS)
def test_no_pair_of_the_package_is_bounded(architecture):
    generator, discriminator = kgz.networks.ARCHITECTURES[architecture](
        (8, 8, 1), 64, classes_of(architecture), packing=2, seed=0
    )
    for judge in (discriminator, kgz.networks.spectrally_normalized(discriminator)):
        assert not any(map(are_bounded, parts_of(judge)))
    pictures = [part for part in parts_of(generator) if part.name != "encoder"]
    assert architecture == "mlp" or all(map(are_bounded, pictures))  # their pixels are


def parts_of(network):
    return [network] if len(network.outputs) == 1 else [part for part in network.layers if part.weights]


def test_a_strategy_changes_nothing(two_replicas):
    with two_replicas.scope():
        found = [are_bounded(network(each)) for each in (score, BOUNDED["operation"], BOUNDED["subclass"])]
    assert found == [False, True, True]


@pytest.mark.parametrize(
    "variant", [name for name, kind in kgz.VARIANTS.items() if name != "context_encoder" and not kind.parts]
)
def test_every_variant_refuses_them(variant):
    generator = keras.Sequential([keras.Input((4,)), layers.Dense(6)])
    with pytest.raises(InputError, match=r"returns raw scores.*bounded, whatever its weights.*tanh"):
        kgz.VARIANTS[variant](generator, network(BOUNDED["operation"]))


def test_a_saved_model_with_bounded_scores_is_still_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr("keras_gan_zoo.game.checks.check_raw_scores", lambda discriminator: None)  # as it was once
    gan = kgz.GAN(keras.Sequential([keras.Input((4,)), layers.Dense(6)]), network(BOUNDED["tanh"]), seed=0)
    gan.compile()
    gan.save(tmp_path / "gan.keras")
    monkeypatch.undo()
    again = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.sample(3, seed=0), gan.sample(3, seed=0))
