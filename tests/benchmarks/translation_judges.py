"""Networks that judge what translators make: features of pictures, and label maps that they read from them.

As in `attributes`, there are two for each kind of pictures, with different networks, seeds and halves of the training
pictures: "selecting" chooses which model of a run is kept, "reporting" gives the figures. They are trained when they
are first needed, and kept in a folder.

- CIFAR-10: classifiers of its ten classes; "reporting" is the one that comes with the package.
- Emoji: classifiers of style, group and hue, trained on OpenMoji, Noto and Twemoji together, so that their features
  know shapes as well as colours. The style tells what it looks like, the group what it shows; the hue is that of most
  of its colour.
- Avatars: the classifiers of `attributes` for features, and segmenters, from pictures to label maps.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from keras_gan_zoo import data, metrics
from tests.benchmarks.attributes import ROLES, kept, reader, scaled, train

STYLES = ("openmoji", "noto", "twemoji")
HUES = 8  # sectors of the circle
WHITE, GREY = 250, 0.1  # the level from which a pixel is background; the mean colour below which a drawing has no hue
EMOJI_FEATURES = 32  # few, because there are few emoji to estimate a covariance from


def of_cifar10(role: str, folder: Path) -> metrics.Extractor:
    """Features of photographs of 32x32 pixels."""
    if role == "reporting":
        return metrics.extractor("cifar10")
    return metrics.extractor(kept(folder / "cifar10_selecting.keras", lambda: _cifar10_model(role)))


def _cifar10_model(role: str) -> keras.Model:
    dataset = data.load("cifar10")
    classes = data.Attribute(tuple(dataset.class_names), np.asarray(dataset.labels, np.int32))
    named = data.CaptionedDataset(
        data.Dataset(dataset.examples, name="cifar10"),
        [dataset.class_names[label] for label in dataset.labels],
        attributes={"class": classes},
    )
    return train(named, role, epochs=4, width=16).model


def of_emoji(role: str, image_size: int, folder: Path) -> metrics.Extractor:
    """Features of emoji in any style."""
    sizes = {"epochs": 16, "width": 16, "units": EMOJI_FEATURES}
    file = folder / f"emoji{image_size}_{role}.keras"
    return metrics.extractor(kept(file, lambda: train(all_emoji(image_size), role, **sizes).model))


def all_emoji(image_size: int) -> data.CaptionedDataset:
    """The training emoji of all styles."""
    sets = [data.load(style, image_size=image_size) for style in STYLES]
    images = np.concatenate([each.examples for each in sets])
    known = {
        "style": [each.name for each in sets for _ in range(len(each))],
        "group": [each.attributes["group"][i] for each in sets for i in range(len(each))],
        "hue": hues(images).tolist(),
    }
    values = {name: np.unique(column, return_inverse=True) for name, column in known.items()}
    return data.CaptionedDataset(
        images,
        [texts for each in sets for texts in each.captions],
        attributes={n: data.Attribute(tuple(v.tolist()), codes.astype(np.int32)) for n, (v, codes) in values.items()},
        name="emoji",
    )


def hues(images: np.ndarray) -> np.ndarray:
    """The sector of the circle of hues in which most of the colour of each picture is; `HUES` if it has none."""
    found = []
    for image in images:
        hue, saturation, value = np.moveaxis(np.asarray(Image.fromarray(image).convert("HSV"), float) / 255, -1, 0)
        colour = saturation * value
        sectors = np.bincount((np.round(hue * HUES).astype(int) % HUES).ravel(), colour.ravel(), HUES)
        drawn = (image.min(axis=-1) < WHITE).sum()
        found.append(HUES if colour.sum() <= GREY * drawn else sectors.argmax())
    return np.array(found)


def of_avatars(role: str, folder: Path) -> metrics.Extractor:
    """Features of faces of 16x16 pixels."""
    return metrics.extractor(reader("avatars", role, folder).model)


class Segmenter:
    """Reads label maps from pictures.

    Args:
        model: From pictures in [-1, 1] to the logits of the parts of each pixel.
    """

    def __init__(self, model: keras.Model):
        self.model = model

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The number of the part of each pixel, (n, height, width)."""
        return self.model.predict(scaled(images), batch_size=500, verbose=0).argmax(axis=-1)


def segmenter(role: str, folder: Path) -> Segmenter:
    """The segmenter of avatars, trained or from the folder."""
    return Segmenter(kept(folder / f"avatars_segmenter_{role}.keras", lambda: _segmenting(role)))


def _segmenting(role: str) -> keras.Model:
    avatars = data.load("avatars")
    return trained_segmenter(avatars.examples, avatars.originals.maps, len(avatars.originals.parts), role)


def trained_segmenter(
    images: np.ndarray, maps: np.ndarray, parts: int, role: str, epochs: int = 4, batch_size: int = 64, width: int = 24
) -> keras.Model:
    """A segmenter trained on one half of the pictures."""
    keras.utils.set_random_seed(ROLES.index(role))
    half = slice(ROLES.index(role), None, len(ROLES))
    model = _segmenting_network(images.shape[1:], parts, role, width)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(images[half]) // batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), loss)
    model.fit(scaled(images[half]), maps[half], batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def _segmenting_network(shape: tuple[int, ...], parts: int, role: str, width: int) -> keras.Model:
    """Convolutions of 5x5 at full resolution, or of 3x3 that also see half of it."""

    def conv(x, channels: int, side: int):
        x = layers.Conv2D(channels, side, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))

    pictures = keras.Input(shape, name="pictures")
    x = layers.GaussianNoise(0.1)(pictures)
    if role == "selecting":
        for _ in range(3):
            x = conv(x, width, 5)
    else:
        x = conv(conv(x, width, 3), width, 3)
        coarse = conv(conv(layers.MaxPooling2D()(x), 2 * width, 3), 2 * width, 3)
        x = conv(layers.Concatenate()([x, layers.UpSampling2D()(coarse)]), width, 3)
    return keras.Model(pictures, layers.Conv2D(parts, 1, name="parts")(x), name=f"segmenter_{role}")
