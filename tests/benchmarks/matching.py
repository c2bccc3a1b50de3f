"""R-precision of pictures and captions, by a network that was trained to find the caption of a real picture.

The network has two parts. One turns a picture into a unit vector; the other does this to the vector of a caption, which
is always that of the encoder "characters", whichever encoder a judged model has. They are trained together on real
training pictures, such that the product of a picture's vector with that of its caption is larger than with those of the
other captions in the minibatch, and the same for captions and pictures.
"""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from keras_gan_zoo import data
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.encoders import as_encoder
from tests.benchmarks.attributes import FOLDER, kept, scaled

SHARPNESS = 20.0  # of the softmax over captions: products of unit vectors are at most 1
GROUPS, CANDIDATES = 10, 100


@dataclass
class Encoded:
    """Pictures, and all of their captions: the vectors (m, d), and whose each is, (m,)."""

    pictures: CaptionedDataset
    vectors: np.ndarray
    owners: np.ndarray


def encoded(pictures: CaptionedDataset) -> Encoded:
    """Pictures with the vectors of their captions, by the encoder "characters"."""
    captions = list(pictures.captions)
    vectors = as_encoder("characters").encode([text for texts in captions for text in texts])
    return Encoded(pictures, vectors, np.repeat(np.arange(len(captions)), [len(texts) for texts in captions]))


class Matcher:
    """Turns pictures and captions into unit vectors.

    Args:
        model: From pictures and the vectors of captions to both unit vectors, (n, 2, d).
    """

    def __init__(self, model: keras.Model):
        self.model, self.encoder = model, as_encoder("characters")

    def products(self, images: np.ndarray, texts: list[str]) -> np.ndarray:
        """The product (n, n) of each picture with each caption."""
        found = self.model.predict([scaled(images), self.encoder.encode(texts)], batch_size=500, verbose=0)
        return found[:, 0] @ found[:, 1].T


def build(shape: tuple[int, ...], text_dim: int, width: int = 32, dim: int = 64) -> keras.Model:
    """A network of two parts, for pictures of the given shape and vectors of the given length."""
    pictures, text = keras.Input(shape, name="pictures"), keras.Input((text_dim,), name="text")
    x, channels = layers.GaussianNoise(0.1)(pictures), width
    while x.shape[1] > 4:
        x = layers.Conv2D(channels, 4, 2, padding="same", use_bias=False)(x)
        x, channels = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x)), min(2 * channels, 4 * width)
    x = layers.Dense(dim)(layers.Dense(256, "relu")(layers.Flatten()(x)))
    y = layers.Dense(dim)(layers.Dense(256, "relu")(text))
    units = [layers.Reshape((1, dim))(layers.UnitNormalization()(vector)) for vector in (x, y)]
    return keras.Model([pictures, text], layers.Concatenate(axis=1)(units), name="matching")


def contrast(_, units):
    """Mean cross-entropy of finding the caption of each picture of the minibatch, and the picture of each caption."""
    logits = SHARPNESS * ops.matmul(units[:, 0], ops.transpose(units[:, 1]))
    own = ops.arange(ops.shape(logits)[0])
    each = [ops.sparse_categorical_crossentropy(own, x, from_logits=True) for x in (logits, ops.transpose(logits))]
    return (each[0] + each[1]) / 2


def train(training: Encoded, epochs: int = 20, batch_size: int = 256, width: int = 32) -> keras.Model:
    """A network trained on one caption of each picture in an epoch."""
    keras.utils.set_random_seed(2)
    images, random = scaled(training.pictures.examples), np.random.default_rng(0)
    model = build(images.shape[1:], training.vectors.shape[1], width)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(images) // batch_size))
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), contrast)
    for _ in range(epochs):
        order, drawn = random.permutation(len(training.owners)), np.zeros(len(images), int)
        drawn[training.owners[order]] = order
        model.fit([images, training.vectors[drawn]], np.zeros(len(images)), batch_size=batch_size, verbose=0)
    return model


def matcher(name: str, folder: Path = FOLDER) -> Matcher:
    """The matcher of a data set, trained or from the folder."""
    return Matcher(kept(folder / f"{name}_matching.keras", lambda: train(encoded(data.load(name)))))


def r_precision(products: np.ndarray, codes: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """How often a picture is nearest to its own caption among 100, and the standard deviation between ten groups.

    The other 99 captions are drawn anew for each picture from those that differ from its own in at least one attribute.
    If several captions are equally near, each counts as found by its share, so that chance is always 0.01.

    Args:
        products: Similarity (n, n) of picture i and caption j; caption i belongs to picture i.
        codes: The value of each attribute that caption i asks for, (n, attributes).
        seed: Seed of the drawn captions.
    """
    random, found = np.random.default_rng(seed), np.zeros(len(codes))
    for i, row in enumerate(products):
        others = np.flatnonzero((codes != codes[i]).any(axis=1))
        rivals = row[random.choice(others, CANDIDATES - 1, replace=False)]
        found[i] = 0 if rivals.max() > row[i] else 1 / (1 + (rivals == row[i]).sum())
    groups = [group.mean() for group in np.array_split(found, GROUPS)]
    return float(np.mean(groups)), float(np.std(groups, ddof=1))
