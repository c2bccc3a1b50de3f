"""Our training step against the same step written by hand, and what the networks cost.

    python -m tests.benchmarks.steps            about three minutes; leave the machine alone meanwhile

Both sides have the same networks, optimizers, batch size, data in memory and loss, and run in turn in one process. The
ratio of a row is the median of its pairs: above 1, ours does more examples in the same time. How two cores share the
operations of a graph differs from step to step by a few per cent; the core seconds of a step hardly do.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_gan_zoo as kgz


class HandWritten(keras.Model):
    """What a Keras user writes: two tapes and two `apply`, fresh noise for the generator's turn."""

    def __init__(self, generator, discriminator, latent_dim):
        super().__init__()
        self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim

    def compile(self, g_optimizer, d_optimizer):
        super().compile(optimizer=None)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.d_loss, self.g_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def train_step(self, real):
        noise = tf.random.normal((tf.shape(real)[0], self.latent_dim))
        fake = self.generator(noise, training=True)
        with tf.GradientTape() as tape:
            real_scores, fake_scores = self.discriminator(real, training=True), self.discriminator(fake, training=True)
            d_loss = tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(tf.nn.softplus(fake_scores))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_variables)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_variables)
        noise = tf.random.normal((tf.shape(real)[0], self.latent_dim))
        with tf.GradientTape() as tape:
            fake_scores = self.discriminator(self.generator(noise, training=True), training=True)
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
        gradients = tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply(gradients, self.generator.trainable_variables)
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {metric.name: metric.result() for metric in self.metrics}


class HandWrittenShared(HandWritten):
    """The tutorial's step: both players judged on the same samples, so the generator runs once."""

    def train_step(self, real):
        noise = tf.random.normal((tf.shape(real)[0], self.latent_dim))
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            fake = self.generator(noise, training=True)
            real_scores, fake_scores = self.discriminator(real, training=True), self.discriminator(fake, training=True)
            d_loss = tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(tf.nn.softplus(fake_scores))
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
        gradients = d_tape.gradient(d_loss, self.discriminator.trainable_variables)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_variables)
        gradients = g_tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply(gradients, self.generator.trainable_variables)
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {metric.name: metric.result() for metric in self.metrics}


def tutorial_pair():
    """The networks of the well-known TensorFlow tutorial for 28x28: 5x5 kernels, 7x7x256 -> 128 -> 64."""
    generator = keras.Sequential([keras.Input((100,)), layers.Dense(7 * 7 * 256, use_bias=False)])
    for layer in (layers.BatchNormalization(), layers.LeakyReLU(0.3), layers.Reshape((7, 7, 256))):
        generator.add(layer)
    for channels, strides in ((128, 1), (64, 2)):
        generator.add(layers.Conv2DTranspose(channels, 5, strides, padding="same", use_bias=False))
        generator.add(layers.BatchNormalization())
        generator.add(layers.LeakyReLU(0.3))
    generator.add(layers.Conv2DTranspose(1, 5, 2, padding="same", use_bias=False, activation="tanh"))
    discriminator = keras.Sequential([keras.Input((28, 28, 1))])
    for channels in (64, 128):
        discriminator.add(layers.Conv2D(channels, 5, 2, padding="same"))
        discriminator.add(layers.LeakyReLU(0.3))
        discriminator.add(layers.Dropout(0.3))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator


def macs(network) -> int:
    """Multiplications and additions of one forward pass on one example, of the layers that have many."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, layers.Conv2DTranspose):
            total += int(np.prod(layer.kernel.shape) * np.prod(layer.input.shape[1:3]))
        elif isinstance(layer, layers.Conv2D):
            total += int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
        elif isinstance(layer, kgz.networks.Maxout):
            total += int(np.prod(layer.dense.kernel.shape))
    return total


def by_hand(examples, batch_size):
    """Normalised inside the pipeline, autotune off on both sides so that only steps are compared."""
    dataset = tf.data.Dataset.from_tensor_slices(examples).shuffle(len(examples), seed=0).repeat()
    dataset = dataset.batch(batch_size, drop_remainder=True)
    if examples.dtype == np.uint8:
        dataset = dataset.map(lambda images: tf.cast(images, tf.float32) / 127.5 - 1, num_parallel_calls=2)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(2).with_options(options)


def seconds(run) -> tuple[float, float]:
    """Seconds on the clock, and of both cores together."""
    started = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def show(name, examples, pairs) -> None:
    """One row: examples a second of both sides, median ratio by the clock with its middle half, and in core seconds."""
    pairs = np.array(pairs)  # (pair, ours or by hand, clock or cores)
    rates = examples / np.median(pairs[:, :, 0], axis=0)
    clock, cores = (pairs[:, 1] / pairs[:, 0]).T
    low, high = np.percentile(clock, [25, 75])
    ratios = f"{np.median(clock):5.2f}  ({low:.2f} to {high:.2f})   {np.median(cores):5.2f}"
    print(f"{name:<44} {rates[0]:>9,.0f} {rates[1]:>9,.0f}   {ratios}", flush=True)


def both(players, optimizers, simultaneous=False):
    """Ours and the hand-written model on one pair of networks, so that the arithmetic is the same."""
    gan = kgz.GAN(*players, simultaneous=simultaneous, seed=0)
    gan.compile(*optimizers())
    hand = (HandWrittenShared if simultaneous else HandWritten)(*players, players[0].input_shape[-1])
    hand.compile(*optimizers())
    return gan, hand


def compare_fits(name, players, optimizers, examples, batch_size, steps, rounds=7):
    """Whole calls of `fit`, in turn: what dispatch and pipeline cost shows here."""
    gan, hand = both(players, optimizers)
    dataset, batches = kgz.data.Dataset(examples), by_hand(examples, batch_size)
    quiet = {"verbose": 0, "steps_per_epoch": steps}

    def fit_ours():
        gan.fit(dataset, batch_size=batch_size, **quiet)

    def fit_by_hand():
        hand.fit(batches, shuffle=False, **quiet)

    fit_ours()
    fit_by_hand()  # both have traced their graphs
    show(name, steps * batch_size, [(seconds(fit_ours), seconds(fit_by_hand)) for _ in range(rounds)])


def compare_steps(name, players, optimizers, examples, batch_size, rounds=100, **arguments):
    """Single training steps with their input, in turn: pairs must be close in time where arithmetic outweighs all."""
    gan, hand = both(players, optimizers, **arguments)
    batches = iter(kgz.data.Dataset(examples).batches(batch_size, 0)), iter(by_hand(examples, batch_size))

    def step(model, iterator):
        model.make_train_function()
        return float(model.train_function(iterator)["d_loss"])  # waits for the result

    def pair(ours_first):
        sides = {"ours": lambda: step(gan, batches[0]), "hand": lambda: step(hand, batches[1])}
        order = ("ours", "hand") if ours_first else ("hand", "ours")  # whoever is second finds the caches warm
        taken = {side: seconds(sides[side]) for side in order}
        return taken["ours"], taken["hand"]

    for _ in range(4):
        pair(True)
    show(name, batch_size, [pair(number % 2 == 0) for number in range(rounds)])


def main():
    images = np.random.default_rng(0).integers(0, 256, (6000, 28, 28, 1), dtype=np.uint8)
    points = kgz.data.load("ring8").examples

    def adam():
        return keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5)

    head = f"{'ours against the same step by hand':<44} {'ours/s':>9} {'hand/s':>9}"
    print(f"{head}   ratio  (middle half)     in core seconds")
    mlp = kgz.networks.maxout_pair((2,), 2, generator_units=128, discriminator_units=64, pieces=2)
    compare_fits("fit: MLP on ring8, batch 256", mlp, adam, points, 256, steps=1000)
    for width in (32, 64):
        pair = kgz.networks.dcgan_pair((28, 28, 1), width=width)
        compare_steps(f"step: DCGAN 28x28 width {width}, batch 64", pair, adam, images, 64)
    compare_steps("step: the same, simultaneous", pair, adam, images, 64, simultaneous=True)

    print(f"\n{'networks for 28x28':<28} {'parameters':>22} {'million MACs/image':>22} {'trained images/s':>18}")
    candidates = {
        "dcgan_pair (default)": kgz.networks.dcgan_pair((28, 28, 1)),
        "dcgan_pair, width 64": kgz.networks.dcgan_pair((28, 28, 1), width=64),
        "tutorial, 5x5 kernels": tutorial_pair(),
    }
    for name, (generator, discriminator) in candidates.items():
        gan = kgz.GAN(generator, discriminator, seed=0)
        gan.compile(*adam())
        dataset = kgz.data.Dataset(images)

        def run(gan=gan, dataset=dataset):
            gan.fit(dataset, batch_size=64, steps_per_epoch=20, verbose=0)

        run()
        rate = 20 * 64 / np.median([seconds(run)[0] for _ in range(5)])
        parameters = f"{generator.count_params():,} + {discriminator.count_params():,}"
        cost = f"{macs(generator) / 1e6:.1f} + {macs(discriminator) / 1e6:.1f}"
        print(f"{name:<28} {parameters:>22} {cost:>22} {rate:>18,.0f}", flush=True)


if __name__ == "__main__":
    main()
