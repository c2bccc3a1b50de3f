"""Networks that judge what translators make: python -m tests.benchmarks.translation_judges trains and tests them.

They give features of pictures, and label maps that they read from them.
As in `attributes`, there are two for each kind of pictures, with different networks, seeds and halves of the training
pictures: "selecting" chooses which model of a run is kept, "reporting" gives the figures. They are trained when they
are first needed, and kept in a folder. The command prints how often they are right on test pictures.

- CIFAR-10, and MNIST and Fashion-MNIST: classifiers of their classes; "reporting" is the one of the package.
- Emoji: classifiers of style, group and hue, trained on OpenMoji, Noto and Twemoji together, so that their features
  know shapes as well as colours. The hue is that of most of the colour.
- Avatars: the classifiers of `attributes` for features, and segmenters, from pictures to label maps.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from PIL import Image

from keras_gan_zoo import data, metrics
from tests.benchmarks.attributes import FOLDER, ROLES, codes_of, kept, markdown, reader, scaled, train

STYLES = ("openmoji", "noto", "twemoji")
HUES = 8  # sectors of the circle
WHITE, GREY = 250, 0.1  # the level from which a pixel is background; the mean colour below which a drawing has no hue
EMOJI_FEATURES = 32  # few, because there are few emoji to estimate a covariance from


def of_classes(role: str, name: str, folder: Path) -> metrics.Extractor:
    """Features of the images of a set with classes, such as "cifar10"."""
    if role == "reporting":
        return metrics.extractor(name)
    file = folder / f"{name}_selecting.keras"
    return metrics.extractor(kept(file, lambda: train(with_classes(data.load(name)), role, epochs=4, width=16).model))


def with_classes(dataset: data.Dataset) -> data.CaptionedDataset:
    """A set with its classes as an attribute."""
    classes = data.Attribute(tuple(dataset.class_names), np.asarray(dataset.labels, np.int32))
    names = [classes[i] for i in range(len(dataset))]
    return data.CaptionedDataset(dataset.examples, names, attributes={"class": classes}, name=dataset.name)


def of_emoji(role: str, image_size: int, folder: Path) -> metrics.Extractor:
    """Features of emoji in any style."""
    sizes = {"epochs": 16, "width": 16, "units": EMOJI_FEATURES}
    file = folder / f"emoji{image_size}_{role}.keras"
    return metrics.extractor(kept(file, lambda: train(all_emoji(image_size, "train"), role, **sizes).model))


def all_emoji(image_size: int, split: str) -> data.CaptionedDataset:
    """The emoji of all styles, with their attributes."""
    sets = [data.load(style, split=split, image_size=image_size) for style in STYLES]
    images = np.concatenate([each.examples for each in sets])
    groups = data.load("openmoji", split="train").attributes["group"].values  # which all are in
    of_each = [groups.index(each.attributes["group"][i]) for each in sets for i in range(len(each))]
    attributes = {
        "style": data.Attribute(STYLES, np.repeat(np.arange(len(sets), dtype=np.int32), [len(each) for each in sets])),
        "group": data.Attribute(groups, np.array(of_each, np.int32)),
        "hue": data.Attribute((*map(str, range(HUES)), "none"), hues(images)),
    }
    captions = [texts for each in sets for texts in each.captions]
    return data.CaptionedDataset(images, captions, attributes=attributes, name="emoji")


def hues(images: np.ndarray) -> np.ndarray:
    """The sector of the circle of hues in which most of the colour of each picture is; `HUES` if it has none."""
    found = []
    for image in images:
        hue, saturation, value = np.moveaxis(np.asarray(Image.fromarray(image).convert("HSV"), float) / 255, -1, 0)
        colour = saturation * value
        sectors = np.bincount((np.round(hue * HUES).astype(int) % HUES).ravel(), colour.ravel(), HUES)
        drawn = (image.min(axis=-1) < WHITE).sum()
        found.append(HUES if colour.sum() <= GREY * drawn else sectors.argmax())
    return np.array(found, np.int32)


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


def shares(judge: metrics.Extractor, dataset: data.CaptionedDataset) -> dict[str, float]:
    """How often a judge reads each attribute correctly."""
    outputs = judge.outputs(dataset.examples)
    read = np.stack([outputs[name].argmax(axis=1) for name in dataset.attributes], axis=1)
    return dict(zip(dataset.attributes, (read == codes_of(dataset)).mean(axis=0).tolist(), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    photographs, faces = with_classes(data.load("cifar10", split="test")), data.load("avatars", split="test")
    rows = {("CIFAR-10", "selecting"): shares(of_classes("selecting", "cifar10", folder), photographs)}
    for role in ROLES:
        right = segmenter(role, folder)(faces.examples) == faces.originals.maps
        rows["avatars", role] = {"part of a pixel": float(right.mean())}
        for side in (64, 32):
            rows[f"emoji, {side} pixels", role] = shares(of_emoji(role, side, folder), all_emoji(side, "test"))
    listed = [[*key, name, f"{share:.3f}"] for key, row in rows.items() for name, share in row.items()]
    print(markdown(["pictures", "judge", "read", "right"], listed))


if __name__ == "__main__":
    main()
