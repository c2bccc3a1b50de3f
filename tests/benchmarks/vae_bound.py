"""The likelihood of MNIST by a VAE, beside a published one of the same networks.

    python -m tests.benchmarks.vae_bound
    python -m tests.benchmarks.vae_bound --epochs 200

The networks are those with one layer of codes of Burda et al. (2016): two hidden layers of 200 tanh units each, 50
codes. As there, a pixel is white with a chance of its grey level, drawn anew in each epoch. The learning rate of Adam
falls from 0.001 to 0 along half a cosine; there, it falls in steps, over 3,280 epochs. Batches have 100 images, there
20.

The bound is the negative ELBO of the test images, each drawn once. Their likelihood is estimated as the mean of
p(x, z) / q(z|x) over codes z that the encoder draws. Its negative logarithm is too large on average: the less, the more
codes. The paper draws 5,000 for each image.

When the command was interrupted, it goes on with the seed at which it stopped.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_gan_zoo as kgz
from tests.benchmarks.text_to_image import over, table, write

NETWORKS = {"architecture": "vae_mlp", "units": 200, "depth": 2, "latent_dim": 50, "likelihood": "bernoulli"}
BATCH, TOGETHER = 100, 50  # images; codes of each that are computed at once
BOUND, NLL = "negative ELBO", "negative log likelihood"
PUBLISHED = {"Burda et al. (2016)": {NLL: "86.76"}}


def drawn(images: np.ndarray, seed: int) -> tf.data.Dataset:
    """Batches of black and white images, -1 and 1, in another order and drawn anew in each pass."""
    batches = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=seed).batch(BATCH, True)
    numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    return tf.data.Dataset.zip(batches, numbers).map(black_and_white)


def black_and_white(grey, number):
    """Pixels that are white with a chance of their grey level."""
    chance = tf.cast(grey, tf.float32) / 255
    return tf.where(tf.random.stateless_uniform(tf.shape(grey), (0, number)) < chance, 1.0, -1.0)


def negative_log_likelihood(vae: kgz.VAE, images, codes: int, seed: int = 0) -> float:
    """The mean over images in [-1, 1], with at least so many codes for each, in nats."""

    @tf.function
    def log_weights(examples, noise):
        mean, log_variance = tf.split(vae.through("encoder", examples, training=False), 2, axis=-1)
        z = mean + tf.exp(log_variance / 2) * noise
        rows = tf.reshape(z, (-1, z.shape[-1]))
        made = tf.reshape(vae.through("decoder", rows, training=False), (len(noise), *examples.shape))
        log_p_x = tf.stack([vae.log_likelihood(examples, each) for each in tf.unstack(made)])
        return log_p_x + tf.reduce_sum(tf.square(noise) + log_variance - tf.square(z), axis=-1) / 2

    draw = np.random.default_rng(seed).standard_normal
    results = []
    for start in range(0, len(images), BATCH):
        examples = tf.constant(images[start : start + BATCH])
        shape = (TOGETHER, len(examples), *vae.latent_shape)
        parts = [log_weights(examples, draw(shape, np.float32)) for _ in range(-(-codes // TOGETHER))]
        weights = tf.concat(parts, axis=0)
        results.append(np.log(len(weights)) - tf.reduce_logsumexp(weights, axis=0))
    return float(np.mean(np.concatenate(results)))


def figures(train: np.ndarray, test: np.ndarray, seed: int, options) -> dict[str, float]:
    """Trains one model."""
    steps = options.epochs * (len(train) // BATCH)
    vae = kgz.VAE.for_images((28, 28, 1), **NETWORKS, seed=seed)
    vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps)))
    vae.fit(drawn(train, seed), epochs=options.epochs, verbose=0)
    binary = np.concatenate([*drawn(test, seed=0).as_numpy_iterator()])
    bound = vae.evaluate(binary, batch_size=BATCH, verbose=0, return_dict=True)["loss"]
    return {BOUND: bound, NLL: negative_log_likelihood(vae, binary, options.codes)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--codes", type=int, default=500, help="for each test image")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build") / "vae_bound", help="folder of all results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train, test = (kgz.data.load("mnist", split=split).in_memory().examples for split in ("train", "test"))
    entries = []
    for seed in range(options.seeds):
        file = options.out / f"{options.epochs}_epochs_{seed}.json"
        if not file.exists():
            write(file, figures(train, test, seed, options))
        entries.append(json.loads(file.read_text(encoding="utf-8")))
        print(f"seed {seed}: {entries[-1]}", flush=True)
    print(table("nats per image", {f"`VAE`, {options.epochs} epochs": over(entries), **PUBLISHED}))


if __name__ == "__main__":
    main()
