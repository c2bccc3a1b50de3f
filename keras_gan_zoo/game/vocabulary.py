"""The words that a `train_step` is written in, so that it reads like the algorithm its paper prints."""

import keras
import tensorflow as tf

from keras_gan_zoo import penalties
from keras_gan_zoo.data.pipelines import normalised
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.game.checks import check_divisible
from keras_gan_zoo.networks.parts import inputs


class Vocabulary:
    """Adds `minibatches`, `noise`, `generate`, `score`, `judge`, `descend` and `finish_step` to a model of two players.

    Replicas, loss scales, packing, penalties, unpacking and averages live behind these words.
    """

    def minibatches(self, batch, k: int) -> list[tuple]:
        """Cuts a batch into k fresh minibatches (examples, labels); labels are None unless the networks take them."""
        examples, labels = self._unpack(batch)
        check_divisible(examples.shape[0], k, self.packing)
        cut_labels = [None] * k if labels is None else _dealt(labels, k)
        return list(zip(_dealt(examples, k), cut_labels, strict=True))

    def noise(self, draws: int, rows, step=None) -> list[tf.Tensor]:
        """Standard normal noise of this step, drawn `draws` times for `rows` examples: a function of (seed, step)."""
        return self._drawn(tf.random.stateless_normal, self._seed_of(step), draws, rows, self.latent_shape)

    def uniform(self, draws: int, rows, step=None) -> list[tf.Tensor]:
        """Numbers from 0 to 1, drawn `draws` times, one for each of `rows` examples: a function of (seed, step)."""
        seed = tf.random.experimental.stateless_fold_in(self._seed_of(step), 1)  # or they would depend on the noise
        return self._drawn(tf.random.stateless_uniform, seed, draws, rows, ())

    def generate(self, noise, labels, training: bool = True):
        """Examples from noise, by the generator that is being trained; never in half precision."""
        return tf.cast(self.generator(inputs(noise, labels), training=training), _floatx())

    def score(self, examples, labels, training: bool = True):
        """Raw discriminator scores, never in half precision. Real and generated examples are scored separately."""
        scores = self.discriminator(inputs(self._packed(examples), self._packed(labels)), training=training)
        return tf.cast(scores, _floatx())

    def judge(self, real, fake, labels, training: bool = True) -> tuple:
        """Scores of real and of generated examples, and what `r1` and `r2` add to the discriminator's loss."""
        real_scores, real_penalty = self._penalised(real, labels, self.r1 * training, training)
        fake_scores, fake_penalty = self._penalised(fake, labels, self.r2 * training, training)
        return real_scores, fake_scores, real_penalty + fake_penalty

    def generator_loss(self, fake_scores, real_scores):
        """The generator's loss; `real_scores` is a function, because only relativistic losses need them."""
        needed = (real_scores(),) if self.adversarial_loss.needs_real_scores else ()
        return self.adversarial_loss.generator_loss(fake_scores, *needed)

    def descend(self, player: keras.Model, loss: tf.Tensor, tape: tf.GradientTape, when=None) -> None:
        """One optimizer step of one player, down the gradient of a loss that is a mean over this replica's examples.

        Optimizers sum gradients over replicas, so each contributes its share; a loss scale enters the same way. With
        `when`, a boolean of the step, everything stays as it was where that is false.
        """
        optimizer = self.generator_optimizer if player is self.generator else self.discriminator_optimizer
        share = tf.ones_like(loss) / replicas.count()
        variables = player.trainable_variables
        gradients = tape.gradient(loss, variables, output_gradients=optimizer.scale_loss(share))
        state = [] if when is None else [*variables, *optimizer.variables]
        before = [tf.identity(variable) for variable in state]
        optimizer.apply(replicas.seen_globally(gradients, optimizer), variables)
        for variable, value in zip(state, before, strict=True):
            variable.assign(tf.where(when, variable, value))

    def finish_step(self, **logged) -> dict:
        """Counts the step, moves the averaged generator, returns the means of the logged figures over the epoch."""
        self.step.assign_add(1)
        if self.ema_generator is not None:
            self._move_average()
        return self._track(logged)

    def test_step(self, batch):
        """Both losses in inference mode, without penalties, on noise that training never sees."""
        real, labels = self._unpack(batch)
        size = tf.shape(real)[0] // self.packing * self.packing  # the last batch may end in an incomplete pack
        real, labels = (None if values is None else _at_least(self.packing, values[:size]) for values in (real, labels))
        [noise] = self.noise(1, tf.shape(real)[0], step=-1 - tf.cast(self._trackers["d_loss"].count, self.step.dtype))
        real_scores, fake_scores, _ = self.judge(real, self.generate(noise, labels, False), labels, training=False)
        d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores)
        g_loss = self.generator_loss(fake_scores, lambda: real_scores)
        logged = {"d_loss": d_loss, "g_loss": g_loss, **self.figures(real_scores, fake_scores)}
        return self._track(logged, weight=size)

    def figures(self, real_scores, fake_scores) -> dict:
        """What a variant logs besides the losses: the rest of `logged`."""
        return {}

    def _seed_of(self, step) -> tf.Tensor:
        step = tf.convert_to_tensor(self.step if step is None else step)
        return tf.stack([tf.cast(self.seed, step.dtype), step])

    def _drawn(self, draw, seed, draws: int, rows, shape: tuple) -> list[tf.Tensor]:
        """Drawn for the global batch and cut: replicas differ, and the result does not depend on their number."""
        values = replicas.own_rows(rows, lambda rows: draw((draws, rows, *shape), seed, dtype=_floatx()), axis=1)
        return tf.unstack(values)

    def _packed(self, values):
        """m consecutive examples joined along the last axis, so that the discriminator judges them at once."""
        if self.packing == 1 or values is None:
            return values
        shape = values.shape[1:]
        packs = tf.reshape(values, (-1, self.packing, *shape))
        if shape.rank == 0:
            return packs  # labels (batch, m)
        axes = [0, *range(2, len(shape) + 1), 1, len(shape) + 1]
        return tf.reshape(tf.transpose(packs, axes), (-1, *shape[:-1], self.packing * shape[-1]))

    def _penalised(self, examples, labels, weight: float, training: bool) -> tuple:
        """Scores, and the weighted penalty on their slope."""
        if not weight:
            return self.score(examples, labels, training), 0.0
        scores, slope = penalties.slopes(lambda examples: self.score(examples, labels, training), examples)
        return scores, weight * penalties.zero_centred(slope)

    def _track(self, logged: dict, weight=None) -> dict:
        for name, value in logged.items():
            self._trackers[name].update_state(value, sample_weight=weight)
        return replicas.packed_logs({name: tracker.result() for name, tracker in self._trackers.items()})

    def _move_average(self) -> None:
        """Over at most a tenth of the steps so far, so that a short run is not dominated by the initial weights."""
        step = tf.cast(self.step, _floatx())
        decay = tf.minimum(tf.cast(self.ema_decay, step.dtype), step / (step + 10))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            keep = tf.cast(decay, average.dtype)
            average.assign(keep * average + (1 - keep) * weight)

    def _unpack(self, batch) -> tuple:
        """(examples, labels) of a batch, checked while tracing; labels are None unless the networks take them."""
        examples, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        self._check_examples(examples.shape[1:], labels is not None)
        examples = normalised(tf.convert_to_tensor(examples))
        return tf.cast(examples, _floatx()), labels if self.conditional else None


def _at_least(rows: int, values) -> tf.Tensor:
    """Zeros in place of no rows at all, which layers cannot take: a small last batch, or a replica without a part."""
    missing = tf.where(tf.shape(values)[0] == 0, rows, 0)
    return tf.concat([values, tf.zeros((missing, *values.shape[1:]), values.dtype)], axis=0)


def _dealt(values, k: int) -> list[tf.Tensor]:
    """Like cards, one by one: then replicas that hold a part of the batch each hold a part of every minibatch."""
    return tf.unstack(tf.reshape(values, (-1, k, *values.shape[1:])), axis=1)


def _floatx() -> str:
    return keras.backend.floatx()
