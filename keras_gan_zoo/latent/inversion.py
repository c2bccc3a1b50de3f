"""Inversion: finds noise from which a generator makes given examples, by gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.core.bounds import check_count, check_number, check_seed
from keras_gan_zoo.data.pipelines import normalised
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks.roles import inputs

if TYPE_CHECKING:
    from keras_gan_zoo.latent.sampler import Sampler

CANDIDATES = 1000  # number of random noises; the descents of an example start from the nearest ones
TOGETHER = 512  # number of descents in one batch
CALLS = 10  # number of calls into the graph, after each of which progress is shown
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, as Kingma and Ba (2015) have them


@dataclass(frozen=True)
class Inversion:
    """The result of `gan.invert`.

    Attributes:
        noise: float32 (n, *latent_shape).
        images: float32 (n, *example_shape), the generator's output for the noise; images are in [-1, 1].
        error: float32 (n,), root mean squared difference from the given examples, in the units of `images`; multiply
            by 127.5 for grey levels.
    """

    noise: np.ndarray
    images: np.ndarray
    error: np.ndarray


def invert(
    gan: Sampler,
    images,
    labels=None,
    conditions=None,
    text=None,
    *,
    steps: int,
    restarts: int,
    learning_rate: float,
    prior: float,
    seed: int,
    verbose: int,
) -> Inversion:
    """See `GeneratorSampler.invert`."""
    for name, count in (("steps", steps), ("restarts", restarts)):
        check_count(name, count)
    check_number("learning_rate", learning_rate, low=0, above=True)
    check_number("prior", prior, low=0)
    targets = checked_examples(gan, images)
    condition = _checked_condition(gan, len(targets), labels, conditions, text)
    starts = _nearest_candidates(gan, targets, condition, restarts, check_seed(seed))
    descend = _descent(gan, steps, learning_rate, prior)
    at_once = max(1, TOGETHER // restarts)
    pieces = [slice(start, start + at_once) for start in range(0, len(targets), at_once)]
    progress = keras.utils.Progbar(CALLS * len(pieces), verbose=verbose, unit_name="part")
    parts = [
        _best_of(descend, starts[piece], targets[piece], None if condition is None else condition[piece], progress)
        for piece in pieces
    ]
    noise = np.concatenate(parts)
    generated = gan.sample_from(noise, conditions=condition)
    return Inversion(noise, generated, np.sqrt(_squared_error(generated, targets)))


def checked_examples(gan: Sampler, images) -> np.ndarray:
    """Examples of the shape that a generator makes, as floats; images in [-1, 1]."""
    if tuple(getattr(images, "shape", ())) == gan.example_shape:
        raise InputError(
            f"Expected examples (n, {', '.join(map(str, gan.example_shape))}). Received: a single one, of shape "
            f"{gan.example_shape}. Add an axis: examples[None]."
        )
    examples = data.Dataset(images).examples
    if examples.shape[1:] != gan.example_shape:
        raise InputError(
            f"Expected examples of the shape the generator makes, {gan.example_shape}. Received: {examples.shape[1:]}. "
            "Convert them, such as by data.load(name, image_size=side, channels=1)."
        )
    return normalised(tf.convert_to_tensor(examples)).numpy()


def _checked_condition(gan: Sampler, n: int, labels, conditions, text) -> np.ndarray | None:
    gan.noise_shape()
    if gan.conditional and labels is conditions is text is None:
        what, call = "conditions", "invert(images, conditions=...)"
        if gan.has_classes:
            what, call = "labels", "invert(images, labels), by index or name"
        elif gan.encoder is not None:
            what, call = "texts", "invert(images, text=...)"
        raise InputError(
            f"Expected the {what} of the examples, because the networks take them. Received: none. Pass {call}."
        )
    return gan.condition_of(n, labels, conditions, text)


def _nearest_candidates(gan, targets: np.ndarray, condition, restarts: int, seed: int) -> np.ndarray:
    """Noise to start from, (n, restarts, *latent_shape): for each example, the best of many random noises."""
    count = max(CANDIDATES, restarts)
    noise = np.random.default_rng(seed).standard_normal((count, *gan.latent_shape), dtype=np.float32)
    starts = np.empty((len(targets), restarts, *gan.latent_shape), np.float32)
    distinct, members = (
        ([None], np.zeros(len(targets), int))
        if condition is None
        else np.unique(condition, axis=0, return_inverse=True)
    )
    for number, each in enumerate(distinct):
        made = gan.sample_from(noise, conditions=each)
        for i in np.flatnonzero(members == number):
            starts[i] = noise[np.argsort(_squared_error(made, targets[i]), kind="stable")[:restarts]]
    return starts


def _best_of(descend, starts: np.ndarray, targets: np.ndarray, condition, progress) -> np.ndarray:
    """Runs all descents in one batch; returns the noise of each example's best descent."""
    n, restarts = starts.shape[:2]
    noise = tf.reshape(starts, (n * restarts, *starts.shape[2:]))
    repeated = [None if values is None else tf.repeat(values, restarts, axis=0) for values in (targets, condition)]
    best, lowest = noise, tf.fill([n * restarts], tf.constant(np.inf, tf.float32))
    state = (noise, tf.zeros_like(noise), tf.zeros_like(noise), best, lowest)
    for call in range(CALLS):
        state = descend(call, state, *repeated)
        *_, best, lowest = state
        each = tf.reduce_min(tf.reshape(lowest, (n, restarts)), axis=1)
        progress.add(1, [("loss", float(tf.reduce_mean(each)))])
    chosen = np.argmin(tf.reshape(lowest, (n, restarts)), axis=1)
    return best.numpy().reshape(starts.shape)[np.arange(n), chosen]


def _descent(gan, steps: int, learning_rate: float, prior: float):
    """A function that runs a tenth of the descent: Adam on the noise; its rate falls to zero in the second half.

    Rows are independent: the loss is a sum over rows, and Adam works on each entry separately. Its state is passed from
    call to call, so no variables are needed.
    """
    generator = gan.sampler

    def losses(noise, targets, condition):
        made = tf.cast(generator(inputs(noise, condition), training=False), targets.dtype)
        return _mean_of_rows((made - targets) ** 2) + prior * _mean_of_rows(noise**2)

    def step(i, noise, mean, square, best, lowest, targets, condition):
        with tf.GradientTape() as tape:
            tape.watch(noise)
            loss = losses(noise, targets, condition)
        gradient = tape.gradient(loss, noise)
        better = loss < lowest
        best = tf.where(tf.reshape(better, (-1, *[1] * (noise.shape.rank - 1))), noise, best)
        mean, square = BETA_1 * mean + (1 - BETA_1) * gradient, BETA_2 * square + (1 - BETA_2) * gradient**2
        count = tf.cast(i + 1, noise.dtype)
        rate = learning_rate * tf.minimum(1.0, 2 * (1 - tf.cast(i, noise.dtype) / steps))
        change = mean / (1 - BETA_1**count) / (tf.sqrt(square / (1 - BETA_2**count)) + EPSILON)
        return noise - rate * change, mean, square, best, tf.minimum(loss, lowest)

    @tf.function(autograph=False)
    def part(first, last, state, targets, condition):
        return tf.while_loop(
            lambda i, *_: i < last,
            lambda i, *state: (i + 1, *step(i, *state, targets, condition)),
            (first, *state),
        )[1:]

    def descend(call: int, state, targets, condition):
        bounds = [tf.constant(steps * number // CALLS) for number in (call, call + 1)]
        return part(*bounds, state, targets, condition)

    return descend


def _mean_of_rows(values):
    return tf.reduce_mean(values, axis=list(range(1, values.shape.rank)))


def _squared_error(made: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return ((made - targets) ** 2).mean(axis=tuple(range(1, made.ndim)))
