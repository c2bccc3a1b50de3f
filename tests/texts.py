"""A small model that takes texts, with weights by which texts make a difference; several rooms test with it."""

import numpy as np

import keras_gan_zoo as kgz

WORDS = ["a", "and", "blue", "face", "green", "hair", "hat", "long", "red", "short", "with"]


def text_gan(**arguments):
    arguments = {"latent_dim": 8, "width": 4, "seed": 0, "vocabulary": WORDS, **arguments}
    gan = kgz.TextToImageGAN.for_images((16, 16, 3), **arguments)
    for weight in gan.generator.trainable_variables:
        if len(weight.shape) > 1:
            spread = 2 / np.sqrt(np.prod(weight.shape[:-1]))
            weight.assign(np.random.default_rng(1).normal(0, spread, weight.shape))
    return gan


def letters(texts):
    """A function as an encoder: how often a text has each of four letters."""
    return [[float(text.count(letter)) for letter in "aeio"] for text in texts]
