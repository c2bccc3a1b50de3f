"""Odd texts, and a small model whose weights let texts make a difference; several rooms test with them."""

import numpy as np

import keras_gan_zoo as kgz

WORDS = ["a", "and", "blue", "face", "green", "hair", "hat", "long", "red", "short", "with"]

# Texts with characters that have several forms, or another order in UTF-16.
WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in "WIDE")
ODD = [f"Ünïcode {WIDE}", "ΑΣ ΟΔΟΣ Ω", "\U00020000 \ufa0e \u9f8d \U00020000", "\u01c5 \ufb01 ½ ²", "\u0130stanbul"]
ODD += ["a\u0301b", "snake_case 3d-4!x(y)z", "a"]


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
