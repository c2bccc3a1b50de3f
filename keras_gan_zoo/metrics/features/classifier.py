"""A small convolutional classifier: the feature extractor that this project ships, and the judge of generated labels.

    python -m keras_gan_zoo.metrics.features.classifier fashion_mnist --epochs 10 4 --flip -o classifiers

trains one on the training split, tests it on the test split and writes `fashion_mnist.onnx` and, beside it,
`fashion_mnist.toml` with the recipe, the test accuracy and the SHA-256 of the file. Training needs Keras and
tf2onnx; the written file needs ONNX Runtime only.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import logging
import math
import platform
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tomli_w
from keras import layers

from keras_gan_zoo import data
from keras_gan_zoo.core import files

WIDTHS = (32, 64, 128)


def build(image_shape: tuple[int, int, int], num_classes: int, seed: int = 0) -> keras.Model:
    """Images (n, height, width, channels) in [-1, 1] to features (n, 128) and logits (n, num_classes).

    Three pairs of 3x3 convolutions with batch normalisation, the second of the first two pairs with a stride of 2; the
    features are the averages of the last layer's 128 maps.
    """
    seeds = itertools.count(seed)  # separate seeds, so that measuring does not change the global random state

    def drawn():
        return {"kernel_initializer": keras.initializers.GlorotUniform(next(seeds))}

    images = keras.Input(image_shape, name="images")
    x = images
    for number, width in enumerate(WIDTHS):
        for strides in (1, 1 if number == len(WIDTHS) - 1 else 2):
            x = layers.Conv2D(
                width, 3, strides, padding="same", data_format="channels_last", use_bias=False, **drawn()
            )(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
    features = layers.GlobalAveragePooling2D("channels_last", name="features")(x)
    dropped = layers.Dropout(0.3, seed=seed)(features)
    logits = layers.Dense(num_classes, name="logits", **drawn())(dropped)
    return keras.Model(images, {"features": features, "logits": logits}, name="classifier")


def batches(images: np.ndarray, labels: np.ndarray, batch_size: int, flip: bool, seed: int) -> tf.data.Dataset:
    """Endless shuffled batches, each shifted by up to two pixels; with `flip`, each image may be mirrored at random."""
    height, width, channels = images.shape[1:]

    def prepared(number, indices):
        seeds = tf.stack([tf.cast(number, tf.int32), tf.constant(seed)])
        x = tf.cast(tf.gather(images, indices), tf.float32)
        x = x / 127.5 - 1 if images.dtype == np.uint8 else x
        x = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], constant_values=-1.0)
        x = tf.image.stateless_random_crop(x, (tf.shape(indices)[0], height, width, channels), seeds)
        if flip:
            mirrored = tf.random.stateless_uniform((tf.shape(indices)[0], 1, 1, 1), seeds) < 0.5
            x = tf.where(mirrored, x[:, :, ::-1], x)
        return x, tf.gather(labels, indices)

    indices = tf.data.Dataset.range(len(images)).shuffle(len(images), seed=seed).repeat().batch(batch_size)
    return indices.enumerate().map(prepared, num_parallel_calls=2).prefetch(2)


def train(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    *,
    epochs: int | Sequence[int] = 10,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    flip: bool = False,
    seed: int = 0,
    verbose: int = 0,
) -> keras.Model:
    """A classifier of uint8 or [-1, 1] images, trained with AdamW and a learning rate that falls along a cosine.

    Several numbers of epochs give several cosine cycles, each starting at half the learning rate of the one before.
    """
    model = build(images.shape[1:], num_classes, seed)
    for cycle, length in enumerate([epochs] if isinstance(epochs, int) else epochs):
        data = batches(images, np.asarray(labels), batch_size, flip, seed + cycle)
        _train_cycle(model, data, math.ceil(len(images) / batch_size), length, learning_rate / 2**cycle, verbose)
    return model


def _train_cycle(model, data, steps: int, epochs: int, learning_rate: float, verbose: int) -> None:
    judged = keras.Model(model.input, model.output["logits"])  # the same layers: features have no loss of their own
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judged.compile(keras.optimizers.AdamW(schedule, weight_decay=1e-3), loss, metrics=["accuracy"])
    judged.fit(data, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=verbose)


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images that are classified correctly."""
    scaled = images.astype(np.float32) / 127.5 - 1 if images.dtype == np.uint8 else images
    logits = model.predict(scaled, batch_size=256, verbose=0)["logits"]
    return float(np.mean(logits.argmax(axis=1) == labels))


def write(model: keras.Model, folder: Path, name: str, card: dict) -> None:
    """`name.onnx`, from `images` to `features` and `logits`, and `name.toml`, which describes it."""
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")]
    function = tf.function(lambda images: model(images, training=False), input_signature=signature, autograph=False)
    network, _ = tf2onnx.convert.from_function(function, signature, opset=18)
    content = network.SerializeToString(deterministic=True)
    card = {"sha256": hashlib.sha256(content).hexdigest(), **card}
    for suffix, file_content in ((".onnx", content), (".toml", tomli_w.dumps(card).encode())):
        with files.written_beside(folder / f"{name}{suffix}") as beside:
            beside.write_bytes(file_content)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a set of TensorFlow Datasets with a train and a test split")
    parser.add_argument("--epochs", type=int, nargs="+", default=[10], help="of each cosine of the learning rate")
    parser.add_argument("--flip", action="store_true", help="mirror images at random: not for digits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, default=Path())
    options = parser.parse_args()
    known, unseen = data.load(options.data), data.load(options.data, split="test")
    recipe = {"epochs": options.epochs, "flip": options.flip, "seed": options.seed}
    model = train(known.examples, known.labels, known.num_classes, **recipe, verbose=2)
    share = accuracy(model, unseen.examples, unseen.labels)
    card = {
        "data": options.data,
        "accuracy": round(share, 4),
        "tested_on": len(unseen),
        "parameters": model.count_params(),
        "features": model.output["features"].shape[-1],
        "class_names": list(known.class_names or ()),
        "recipe": recipe,
        "environment": {"tensorflow": tf.__version__, "keras": keras.__version__, "python": platform.python_version()},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write(model, options.out, options.data, card)
    print(f"{options.out / options.data}.onnx: {100 * share:.2f} % of {len(unseen):,} test images classified correctly")


if __name__ == "__main__":
    main()
