"""Trains classifiers that read attributes from pictures: python -m tests.benchmarks.attributes [--data peeps].

There are two, with different networks, seeds and halves of the training pictures. "selecting" is for choices, such as
of a recipe or of when to stop. "reporting" reads the samples of what was chosen, and had no part in the choice. The
command prints how often each is right on test pictures. The weights are kept in a folder.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from keras_gan_zoo import data
from keras_gan_zoo.core.files import written_beside

ROLES = ("selecting", "reporting")
FOLDER = Path("build") / "judges"
SIZES = {("peeps", "reporting"): {"width": 16, "epochs": 12}}  # two convolutions at 64x64 pixels take their time
LOWEST = 0.93  # share of test pictures of which a classifier must read an attribute correctly


class Reader:
    """Reads the attributes of pictures.

    Args:
        model: From pictures in [-1, 1] to "features" and the logits of each attribute, by name.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.attributes = [name for name in model.output if name != "features"]

    def codes(self, images: np.ndarray) -> np.ndarray:
        """The value of each attribute, (n, attributes), by number."""
        outputs = self._outputs(images)
        return np.stack([outputs[name].argmax(axis=1) for name in self.attributes], axis=1)

    def features(self, images: np.ndarray) -> np.ndarray:
        return self._outputs(images)["features"]

    def _outputs(self, images) -> dict[str, np.ndarray]:
        return self.model.predict(scaled(images), batch_size=500, verbose=0)


def scaled(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1 if images.dtype == np.uint8 else images


def codes_of(dataset: data.CaptionedDataset) -> np.ndarray:
    """The true value of each attribute, (n, attributes), by number."""
    return np.stack([attribute.codes for attribute in dataset.attributes.values()], axis=1)


def build(
    shape: tuple[int, ...], values: Mapping[str, int], role: str, width: int = 32, units: int = 128
) -> keras.Model:
    """A network with one layer of logits for each attribute.

    Args:
        shape: (height, width, channels).
        values: The number of values of each attribute.
        role: One of `ROLES`: convolutions of 5x5 with a stride of 2, or pairs of 3x3 before the maximum of 2x2.
        width: Channels at the highest resolution.
        units: Number of features.
    """
    pictures = keras.Input(shape, name="pictures")
    x, channels = layers.GaussianNoise(0.1)(pictures), width  # no judge of a shade, which no generator hits exactly
    while x.shape[1] > 4:
        if role == "selecting":
            x = _convolution(x, channels, 5, 2)
        else:
            x = layers.MaxPooling2D()(_convolution(_convolution(x, channels, 3), channels, 3))
        channels = min(2 * channels, 4 * width)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    features = layers.Dense(units, "relu", name="features")(x)
    logits = {name: layers.Dense(number, name=name)(features) for name, number in values.items()}
    return keras.Model(pictures, {"features": features, **logits}, name=role)


def _convolution(x, channels: int, side: int, stride: int = 1):
    x = layers.Conv2D(channels, side, stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))


def train(
    dataset: data.CaptionedDataset,
    role: str,
    epochs: int = 20,
    batch_size: int = 128,
    width: int = 32,
    units: int = 128,
) -> Reader:
    """A reader that is trained on one half of the pictures."""
    keras.utils.set_random_seed(ROLES.index(role))
    half = dataset[ROLES.index(role) :: len(ROLES)]
    values = {name: len(attribute.values) for name, attribute in dataset.attributes.items()}
    model = build(dataset.example_shape, values, role, width, units)
    judged = keras.Model(model.input, {name: model.output[name] for name in values})  # features have no loss
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(half) // batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judged.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), dict.fromkeys(values, loss))
    codes = {name: attribute.codes for name, attribute in half.attributes.items()}
    judged.fit(scaled(half.examples), codes, batch_size=batch_size, epochs=epochs, verbose=0)
    return Reader(model)


def kept(file: Path, make) -> keras.Model:
    """The model in a file; if there is none, a new one, which is then kept there."""
    if not file.exists():
        model = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(file) as beside:
            model.save(beside)
    return keras.saving.load_model(file, compile=False)


def reader(name: str, role: str, folder: Path = FOLDER) -> Reader:
    """The reader of a data set, trained or from the folder."""
    return Reader(
        kept(folder / f"{name}_{role}.keras", lambda: train(data.load(name), role, **SIZES.get((name, role), {})).model)
    )


def rates(read: np.ndarray, asked: np.ndarray, names) -> dict[str, float]:
    """How often each attribute is right; the mean of these; and how often all are, of codes (n, attributes).

    Example:
        >>> rates(np.array([[0, 1], [2, 2]]), np.array([[0, 1], [2, 0]]), ["hair", "hat"])
        {'hair': 1.0, 'hat': 0.5, 'mean': 0.75, 'all': 0.5}
    """
    right = read == asked
    shares = dict(zip(names, right.mean(axis=0).tolist(), strict=True))
    return {**shares, "mean": float(right.mean()), "all": float(right.all(axis=1).mean())}


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="avatars")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    test = data.load(arguments.data, split="test")
    asked, names = codes_of(test), [*test.attributes]
    found = {
        role: rates(reader(arguments.data, role, arguments.folder).codes(test.examples), asked, names) for role in ROLES
    }
    print(
        markdown(
            ["attribute", *ROLES], [[name, *(f"{found[role][name]:.3f}" for role in ROLES)] for name in [*names, "all"]]
        )
    )
    weak = [f"{role}: {name}" for role in ROLES for name in names if found[role][name] < LOWEST]
    print(f"Below {LOWEST}: {', '.join(weak) or 'none'}.")


if __name__ == "__main__":
    main()
