"""CycleGAN of Zhu et al. (2017): pictures of one kind to pictures of another, without pairs to learn from."""

import dataclasses
import os
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data, losses
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import export
from keras_gan_zoo.game.checks import check_networks, check_raw_scores, parts_of
from keras_gan_zoo.game.likeness import absolute_difference, likeness, ssim, trackers
from keras_gan_zoo.game.sampling import GeneratorSampler
from keras_gan_zoo.game.two_player import TwoPlayerModel
from keras_gan_zoo.state.identity import sha256_of_weights

GENERATORS = ("forward", "backward")
DISCRIMINATORS = ("source_discriminator", "target_discriminator")


@keras.saving.register_keras_serializable("keras_gan_zoo")
class CycleGAN(TwoPlayerModel):
    r"""CycleGAN (Zhu et al., 2017): translates pictures of one kind, the sources, to another, the targets, and back.

    It learns from two sets of pictures that do not belong together. A generator F translates sources x, a generator B
    translates targets y, and a discriminator for each kind tells real pictures from translated ones. Nothing but the
    cycle holds a translation to its original: back again, it should be that picture. The generators descend

    $$\alpha \, (L(D_y(F(x))) + L(D_x(B(y)))) + \lambda \, (|B(F(x)) - x| + |F(B(y)) - y|)
      + \lambda \mu \, (|F(y) - y| + |B(x) - x|)$$

    in one step on the means of these differences, then both discriminators take one. The last term, of identity, keeps
    colours. The discriminators do not see the newest translations, but those from a pool of earlier ones: see
    `exchanged`.

    In the authors' first code, the generator and the discriminator of one direction take their steps before the other
    direction is computed. Their later code, in PyTorch, has the order of this class.

    Besides both losses, training logs `cycle_loss`, the differences of both cycles. `evaluate` and validation also log
    `l1`, `psnr` and `ssim` of translations and the targets of the same number, as `Translator` does: they say something
    of pairs only.

    Args:
        generator: Keras model of the parts `forward`, from sources to targets, and `backward`, as `networks.joined`
            makes it: one player of two networks.
        discriminator: Likewise of `source_discriminator` and `target_discriminator`, which return raw scores, or maps
            of them.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        adversarial_weight: Weight alpha of the adversarial losses of the generators. Least squares are halved here, and
            not in the paper: hence 2.
        cycle_weight: Weight lambda of the cycles.
        identity_weight: Weight mu of the identities, a multiple of `cycle_weight`; 0 for pictures of other channels.
        pool_size: Number of earlier translations that the discriminators learn from in each direction, weights that
            are saved with the model; 0 for the newest only.
        **options: `packing`, `r1`, `r2`, `ema_decay`, `seed`, `name`: see `TwoPlayerModel`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        cycle = kgz.CycleGAN.for_images((16, 16, 3))
        cycle.compile()
        cycle.fit("avatars", "peeps", batch_size=8, epochs=10)    # data sets, arrays, or names and folders
        faces = kgz.data.load("avatars", split="test").examples[:8]
        people = cycle.translate(faces)                           # float32 (8, 16, 16, 3) in [-1, 1]
        again = cycle.translate(people, backward=True)
        ```
    """

    logged = ("d_loss", "g_loss", "cycle_loss")
    minibatch_size = 1
    takes_pictures, parts = True, GENERATORS
    condition_comes_first = True

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "least_squares",
        adversarial_weight: float = 2.0,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool_size: int = 50,
        **options,
    ):
        super().__init__(generator, discriminator, **options)
        weights = {"adversarial_weight": adversarial_weight, "cycle_weight": cycle_weight}
        for name, weight in {**weights, "identity_weight": identity_weight}.items():
            check_number(name, weight, low=0)
        check_count("pool_size", pool_size, low=0)
        if identity_weight and self.condition.shape != self.example_shape:
            raise InputError(
                f"Expected identity_weight=0, because sources of {self.condition.shape} are no targets of "
                f"{self.example_shape}, which identities compare. Received: {identity_weight}. Set it to 0, or make "
                "both alike (channels=3)."
            )
        self.adversarial_loss = losses.get(loss)
        self.adversarial_weight, self.cycle_weight = adversarial_weight, cycle_weight
        self.identity_weight, self.pool_size = identity_weight, pool_size
        shapes = (self.condition.shape, self.example_shape)
        self._trackers |= trackers()
        self._pools = dict(zip(DISCRIMINATORS, map(self._pool, shapes), strict=True)) if pool_size else {}

    @staticmethod
    def check_players(generator, discriminator, packing=1):
        check_networks({"generator": generator, "discriminator": discriminator})
        forward, backward = parts_of("generator", generator, GENERATORS)
        judges = parts_of("discriminator", discriminator, DISCRIMINATORS)
        sources, targets = _taken(forward), _taken(backward)
        expected = [targets, sources, *((*shape[:-1], packing * shape[-1]) for shape in (sources, targets))]
        received = [_made(forward), _made(backward), *map(_taken, judges)]
        if received != expected:
            raise InputError(
                f"Expected generators from {sources} and {targets} to {expected[0]} and {expected[1]}, and "
                f"discriminators of {expected[2]} and {expected[3]} with packing={packing}. Received: {received[0]} "
                f"and {received[1]}, {received[2]} and {received[3]}. Change their shapes."
            )
        for judge in judges:
            check_raw_scores(judge)

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "cycle_gan"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with beta 1 of 0.5 and a learning rate of 2e-4, which the paper lets fall to 0 in the second half."""
        return keras.optimizers.Adam(2e-4 if learning_rate is None else learning_rate, beta_1=0.5)

    # -------------------------------------------------------------------------------------------------------- training

    def train_step(self, batch):
        """One step of both generators together, then one of both discriminators."""
        [(target, source)] = self.minibatches(batch, 1)
        with tf.GradientTape() as tape:
            fakes, g_loss, cycle_loss = self.generators_losses(source, target)
        self.descend(self.generator, g_loss, tape)

        rows = tf.shape(target)[0]
        draws = self.uniform(2 * len(DISCRIMINATORS), rows)
        old = [
            self.from_pool(domain, fake, *draws[2 * i : 2 * i + 2])
            for i, (domain, fake) in enumerate(zip(DISCRIMINATORS, fakes, strict=True))
        ]
        with tf.GradientTape() as tape:
            d_loss = self.discriminators_loss((source, target), old)
        self.descend(self.discriminator, d_loss, tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss, cycle_loss=cycle_loss)

    def generators_losses(self, source, target, training: bool = True) -> tuple:
        """Translations (to sources, to targets), the loss of both generators, and the mean difference of the cycles."""
        fakes = (self.through("backward", target, training), self.through("forward", source, training))
        g_loss = 0.0
        for domain, real, fake in zip(DISCRIMINATORS, (source, target), fakes, strict=True):
            scores = self.score(fake, domain, training)
            g_loss += self.generator_loss(scores, lambda real=real, domain=domain: self.score(real, domain, training))
        cycle_loss = absolute_difference(source, self.through("backward", fakes[1], training))
        cycle_loss += absolute_difference(target, self.through("forward", fakes[0], training))
        g_loss = self.adversarial_weight * g_loss + self.cycle_weight * cycle_loss
        if self.identity_weight:
            identity_loss = absolute_difference(target, self.through("forward", target, training))
            identity_loss += absolute_difference(source, self.through("backward", source, training))
            g_loss += self.cycle_weight * self.identity_weight * identity_loss
        return fakes, g_loss, cycle_loss

    def discriminators_loss(self, reals, fakes, training: bool = True):
        """The sum of the losses of both discriminators, given real and translated sources and targets."""
        d_loss = 0.0
        for domain, real, fake in zip(DISCRIMINATORS, reals, fakes, strict=True):
            real_scores, fake_scores, penalty = self.judge(real, fake, domain, training)
            d_loss += self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
        return d_loss

    def through(self, part: str, pictures, training: bool = True):
        """Pictures by the generator of one direction, in training rather than its average; never in half precision."""
        network = self.generator.get_layer(part)
        return tf.cast(network(pictures, training=training), keras.backend.floatx())

    def score(self, examples, condition, training: bool = True):
        """Raw scores, never in half precision, by the discriminator that `condition` names; else by that of targets."""
        judge = self.discriminator.get_layer(condition if isinstance(condition, str) else DISCRIMINATORS[1])
        scores = judge(self._packed(examples), training=training)
        return tf.cast(scores, keras.backend.floatx())

    def from_pool(self, domain: str, fakes, coins, places):
        """What a discriminator learns from in place of the newest translations, which take their places in its pool.

        The pool is that of the global batch: it is the same on every replica.
        """
        if not self.pool_size:
            return fakes
        pool, count = self._pools[domain]
        everyone = (replicas.everyone(values) for values in (fakes, coins, places))
        given, kept = exchanged(pool.value, count.value, *everyone)
        pool.assign(kept)
        count.assign(tf.minimum(count + tf.cast(tf.shape(given)[0], count.dtype), self.pool_size))
        return replicas.own_rows(given, tf.shape(fakes)[0])

    def generate(self, noise, condition, training: bool = True):
        """Targets from sources."""
        return self.through("forward", condition, training)

    def evaluated(self, real, fake, condition) -> dict:
        """The losses in inference mode, of the newest translations, and how far `translate` is from the targets."""
        fakes, g_loss, cycle_loss = self.generators_losses(condition, real, training=False)
        d_loss = self.discriminators_loss((condition, real), fakes, training=False)
        made = fake if self.ema_generator is None else tf.cast(self.sampler(condition, training=False), fake.dtype)
        figures = {"d_loss": d_loss, "g_loss": g_loss, "cycle_loss": cycle_loss}
        return {**figures, **likeness(real, made), "ssim": ssim(real, made)}

    def _pool(self, shape: tuple[int, ...]) -> tuple:
        """The weights of a pool: its pictures, and how many there are yet."""
        kind = {"initializer": "zeros", "trainable": False}
        pictures = self.add_weight(name="pool", shape=(self.pool_size, *shape), dtype=keras.backend.floatx(), **kind)
        return pictures, self.add_weight(name="pooled", shape=(), dtype="int64", **kind)

    # ------------------------------------------------------------------------------------------------------------ data

    def arranged(self, x, y):
        """Sources and targets, each a data set, an array, or a name or folder, as one data set without pairs."""
        if y is None:
            return x, None
        given = zip((x, y), (self.condition.shape, self.example_shape), strict=True)
        return data.unpaired(*(_loaded(each, shape) for each, shape in given)), None

    def prepared(self, dataset):
        """Two sets of pictures as they are; pairs as if they were none, so that both are shuffled independently."""
        if isinstance(dataset, data.UnpairedDataset):
            return dataset
        if dataset.sources is None:
            raise InputError(
                f"Expected two sets of pictures, sources and targets. Received: {dataset}. Pass both, as in "
                "fit(sources, targets), or name both, as in data='noto,twemoji'."
            )
        return data.unpaired(dataset.sources, dataset.examples)

    # ----------------------------------------------------------------------------------------------------------- using

    def translate(self, pictures, backward: bool = False) -> np.ndarray:
        """Translates sources to targets, or back, by the averaged generator if there is one.

        Args:
            pictures: (n, height, width, channels) in uint8, or in [-1, 1].
            backward: Whether they are targets, to be translated to sources.

        Returns:
            Array (n, height, width, channels): float32 in [-1, 1].

        Raises:
            InputError: If the pictures have another shape or range.
            NotFiniteError: If the result contains NaN or infinity.
        """
        return self.backward.translate(pictures) if backward else super().translate(pictures)

    def export(self, path, format=None, *, backward: bool = False, **options):
        """As in `GAN`: the generator from sources to targets, or with `backward` the other one.

        Args:
            path: As in `GAN`.
            format: As in `GAN`.
            backward: Whether to export the generator from targets to sources.
            **options: As in `GAN`.
        """
        return export(self.backward, path, format, **options) if backward else super().export(path, format, **options)

    @cached_property
    def backward(self) -> "BackwardCycleGAN":
        """The direction from targets to sources."""
        return BackwardCycleGAN(self)

    @property
    def sampler(self):
        return self.sampling_generator.get_layer("forward")

    @property
    def latent_shape(self):
        return None

    @property
    def condition(self):
        return Condition(_taken(self.generator.get_layer("forward")))

    @property
    def data_condition(self):
        return dataclasses.replace(self.condition, are_sources=True)

    @property
    def example_shape(self):
        return _made(self.generator.get_layer("forward"))

    @property
    def score_shape(self):
        return _made(self.discriminator.get_layer("target_discriminator"))

    # ---------------------------------------------------------------------------------------------------------- saving

    def load_own_variables(self, store):
        super().load_own_variables(store)
        for number, weight in enumerate((each for pool in self._pools.values() for each in pool), start=1):
            weight.assign(store[str(number)])  # after the step, as Keras numbers them

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.adversarial_loss),
            "adversarial_weight": self.adversarial_weight,
            "cycle_weight": self.cycle_weight,
            "identity_weight": self.identity_weight,
            "pool_size": self.pool_size,
        }


class BackwardCycleGAN(GeneratorSampler):
    """The direction of a `CycleGAN` from targets to sources, to use and to export."""

    latent_shape = None

    def __init__(self, model: CycleGAN):
        self.model, self.sampler = model, model.sampling_generator.get_layer("backward")
        self.condition = Condition(model.example_shape, are_sources=True)
        self.example_shape = model.condition.shape

    @property
    def origin(self):
        """The preset that the weights come from, if those of the other direction still do."""
        origin = self.model.origin
        if origin is None or origin.weights_sha256 != sha256_of_weights(self.model.sampler):
            return None
        return dataclasses.replace(origin, weights_sha256=sha256_of_weights(self.sampler))


def exchanged(pool, count, new, coins, places) -> tuple:
    """Exchanges new pictures with those of a pool, one after the other.

    Until the pool is full, it keeps a new picture, and gives it. Then it gives with probability 1/2 a random picture of
    its own, and keeps the new one in its place; otherwise it gives the new one, which it does not keep.

    Args:
        pool: Pictures (size, height, width, channels).
        count: Number of pictures that it has.
        new: Pictures (n, height, width, channels).
        coins: Numbers (n,) from 0 to 1; below 1/2 for a picture of the pool.
        places: Numbers (n,) from 0 to 1: which of them, as a share of the size.

    Returns:
        The pictures that it gives, (n, height, width, channels), and those that it has then.
    """
    size, rows = pool.shape[0], tf.shape(new)[0]
    turns = tf.range(rows)
    filling = tf.cast(count, tf.int32) + turns
    is_new = filling < size
    slots = tf.where(is_new, filling, tf.minimum(tf.cast(places * size, tf.int32), size - 1))
    keeps = is_new | (coins < 0.5)
    everything = tf.concat([pool, new], axis=0)
    before = keeps[None, :] & (slots[None, :] == slots[:, None]) & (turns[None, :] < turns[:, None])
    present = _latest(before, turns, size, slots)
    kept = _latest(keeps[None, :] & (slots[None, :] == tf.range(size)[:, None]), turns, size, tf.range(size))
    given = tf.where(keeps & ~is_new, present, size + turns)
    return tf.gather(everything, given), tf.gather(everything, kept)


def _latest(is_written, turns, size: int, otherwise):
    """For each row the number, after those of the pool, of the last picture written; `otherwise` without one."""
    last = tf.reduce_max(tf.where(is_written, turns[None, :], -1), axis=1)
    return tf.where(last >= 0, size + last, otherwise)


def _taken(network: keras.Model) -> tuple[int, ...]:
    return tuple(network.inputs[0].shape[1:])


def _made(network: keras.Model) -> tuple[int, ...]:
    return tuple(network.outputs[0].shape[1:])


def _loaded(given, shape: tuple[int, ...]):
    if isinstance(given, (str, os.PathLike)):
        return data.load(given, image_size=shape[:2], channels=shape[2])
    return given
