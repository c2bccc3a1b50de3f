"""The same training steps as a Keras user writes them, without this library: tapes, `apply`, a pipeline of tf.data."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tests.benchmarks.cases import CRITIC_STEPS, Case
from tests.benchmarks.ours import Players, one_step, optimizers


class HandWritten(keras.Model):
    """Goodfellow's game: two tapes and two `apply`, fresh noise for the generator's turn."""

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def compile(self, g_optimizer, d_optimizer):
        super().compile(optimizer=None)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.d_loss, self.g_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def noise(self, rows):
        return tf.random.normal((rows, self.generator.input_shape[-1]))

    def descend_discriminator(self, loss, tape):
        gradients = tape.gradient(loss, self.discriminator.trainable_variables)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_variables)

    def descend_generator(self, loss, tape):
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.g_optimizer.apply(gradients, self.generator.trainable_variables)

    def figures(self, d_loss, g_loss):
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {metric.name: metric.result() for metric in self.metrics}

    def train_step(self, real):
        fake = self.generator(self.noise(tf.shape(real)[0]), training=True)
        with tf.GradientTape() as tape:
            real_scores, fake_scores = self.discriminator(real, training=True), self.discriminator(fake, training=True)
            d_loss = tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(tf.nn.softplus(fake_scores))
        self.descend_discriminator(d_loss, tape)
        noise = self.noise(tf.shape(real)[0])
        with tf.GradientTape() as tape:
            fake_scores = self.discriminator(self.generator(noise, training=True), training=True)
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
        self.descend_generator(g_loss, tape)
        return self.figures(d_loss, g_loss)


class Simultaneous(HandWritten):
    """Both players judged on the same samples, so the generator runs once."""

    def train_step(self, real):
        noise = self.noise(tf.shape(real)[0])
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            fake = self.generator(noise, training=True)
            real_scores, fake_scores = self.discriminator(real, training=True), self.discriminator(fake, training=True)
            d_loss = tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(tf.nn.softplus(fake_scores))
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
        self.descend_discriminator(d_loss, d_tape)
        self.descend_generator(g_loss, g_tape)
        return self.figures(d_loss, g_loss)


class Wasserstein(HandWritten):
    """Critic steps on fresh minibatches in a Python loop, which the graph unrolls; then one of the generator."""

    def train_step(self, batch):
        for real in tf.split(batch, CRITIC_STEPS):
            fake = self.generator(self.noise(tf.shape(real)[0]), training=True)
            with tf.GradientTape() as tape:
                real_scores = self.discriminator(real, training=True)
                fake_scores = self.discriminator(fake, training=True)
                d_loss = tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores) + self.penalty(real, fake)
            self.descend_discriminator(d_loss, tape)
            self.constrain()
        noise = self.noise(tf.shape(real)[0])
        with tf.GradientTape() as tape:
            g_loss = -tf.reduce_mean(self.discriminator(self.generator(noise, training=True), training=True))
        self.descend_generator(g_loss, tape)
        return self.figures(d_loss, g_loss)

    def penalty(self, real, fake):
        return 0.0

    def constrain(self):
        pass


class Clipped(Wasserstein):
    def constrain(self):
        for weight in self.discriminator.trainable_variables:
            weight.assign(tf.clip_by_value(weight, -0.01, 0.01))


class Penalised(Wasserstein):
    def uniform(self, rows):
        return tf.random.uniform((rows,))

    def penalty(self, real, fake):
        epsilon = tf.reshape(self.uniform(tf.shape(real)[0]), (-1, 1, 1, 1))
        between = epsilon * real + (1 - epsilon) * fake
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.discriminator(between, training=True)
        slope = tape.gradient(scores, between)
        return 10.0 * tf.reduce_mean((tf.sqrt(tf.reduce_sum(slope**2, axis=[1, 2, 3]) + 1e-12) - 1) ** 2)


ALGORITHMS = {"alternating": HandWritten, "simultaneous": Simultaneous, "wgan": Clipped, "wgan_gp": Penalised}


def model(case: Case, players: Players) -> HandWritten:
    written = ALGORITHMS[case.algorithm](*players)
    written.compile(*optimizers(case))
    return written


def turn(case: Case, players: Players, examples: np.ndarray) -> Callable:
    """Runs one training step with its input, or one `fit`."""
    written, dataset = model(case, players), batches(examples, case.batch_size)
    if case.fit_steps:
        return lambda: written.fit(dataset, shuffle=False, steps_per_epoch=case.fit_steps, verbose=0)
    return one_step(written, iter(dataset))


def batches(examples: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Normalised inside the pipeline, autotune off as on our side so that only steps are compared."""
    dataset = tf.data.Dataset.from_tensor_slices(examples).shuffle(len(examples), seed=0).repeat()
    dataset = dataset.batch(batch_size, drop_remainder=True)
    if examples.dtype == np.uint8:
        dataset = dataset.map(lambda images: tf.cast(images, tf.float32) / 127.5 - 1, num_parallel_calls=2)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(2).with_options(options)
