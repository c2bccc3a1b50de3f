"""Generators to export, with weights that matter; a program of test_export.py imports them as well."""

import keras
import numpy as np
from keras import layers

import keras_gan_zoo as kgz
from tests.equality import CLASSES, KINDS, build

NAMES = ["dog", "cat", "lizard"]


def with_weights_that_matter(gan):
    first = next(iter(gan.players.values())).network  # which makes the examples
    for weight in first.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    return gan


def gan_of(kind, **arguments):
    return with_weights_that_matter(build(*KINDS[kind], **arguments))


def gan_around(generator):
    """A GAN with a generator of images (8, 8, 1) and any discriminator."""
    labelled = len(generator.inputs) == 2
    image, label = keras.Input((8, 8, 1)), keras.Input((), dtype="int32")
    scores = layers.Dense(1)(layers.Flatten()(image))
    if labelled:
        scores = layers.Add()([scores, layers.Embedding(CLASSES, 1)(label)])
    discriminator = keras.Model([image, label] if labelled else image, scores)
    gan = kgz.GAN(generator, discriminator, class_names=NAMES if labelled else None, seed=0)
    return with_weights_that_matter(gan)


def upsampling(activation="relu", conditional=False):
    noise, label = keras.Input((4,)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([noise, layers.Embedding(CLASSES, 4)(label)]) if conditional else noise
    x = layers.Reshape((4, 4, 8))(layers.Dense(128, name="first")(x))
    x = layers.Activation(activation, name="bent")(x)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(layers.UpSampling2D(2)(x)))
    x = layers.Conv2D(1, 3, padding="same", activation="tanh")(layers.ReLU()(x))
    return gan_around(keras.Model([noise, label] if conditional else noise, x))
