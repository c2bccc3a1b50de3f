"""A model of two players, a generator and a discriminator, with the methods that its `train_step` is written with."""

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import augmentations, penalties
from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game import checks
from keras_gan_zoo.game.arguments import CompileArguments
from keras_gan_zoo.game.batches import look_at_arrays
from keras_gan_zoo.game.for_images import ForImages
from keras_gan_zoo.game.model import GameModel
from keras_gan_zoo.game.players import frozen_copy, shares_layers
from keras_gan_zoo.game.presets import AsPreset
from keras_gan_zoo.game.rebuilding import rebuilding
from keras_gan_zoo.game.sampling import GeneratorSampler
from keras_gan_zoo.latent.noise import truncated_noise
from keras_gan_zoo.losses import AdversarialLoss, check_values
from keras_gan_zoo.networks.roles import inputs, noise_and_condition


class TwoPlayerModel(ForImages, AsPreset, GeneratorSampler, GameModel):
    """A generator and a discriminator with an optimizer each, trained by `fit`.

    Subclasses write `train_step` with the methods of `GameModel` and with `noise`, `generate`, `score`, `judge` and
    `generator_loss`. These take care of packing, slope penalties, unpacking and averages. The following options are
    common to all of them.

    Args:
        generator: Keras model from noise (batch, latent_dim), or [noise, condition], to examples. Images are channels
            last in [-1, 1]; any other shape works too, fed as a `tf.data.Dataset`. A condition is an integer class
            `keras.Input((), dtype="int32")`, a vector `keras.Input((d,))` or a picture `keras.Input((height, width,
            channels))`. One without noise calls its only input `condition`.
        discriminator: Keras model from examples, or [examples, condition], to raw scores (batch, 1): logits, no
            sigmoid; or to a map of them (batch, height, width, 1). Either player may go without the condition.
        num_classes: Number of classes of the labels, if the networks take labels.
        class_names: Names of the labels 0, 1, ..., which `sample` then takes; by default those of the `data.Dataset`
            that the model is first trained on, if it has any.
        packing: Number m of examples that the discriminator judges together (PacGAN, Lin et al., 2018). They are joined
            along the last axis: it takes m times the channels and, if conditional, labels (batch, m). Divides the
            minibatch.
        r1: Weight of the R1 gradient penalty, at real examples (Mescheder et al., 2018). It is zero-centred, gamma / 2
            times the mean squared slope for the weight gamma, and left out in `evaluate`. A number, or a schedule of
            `keras.optimizers.schedules`, a function of the steps done.
        r2: Weight of the R2 gradient penalty, at generated examples, in the same way.
        ema_decay: Decay of the exponential moving average of the generator's weights, such as 0.999; None for none.
            `sample` and `predict` use it. After step t it decays by the smaller of this and t / (t + 10).
        augmentation: Changes of the images that the discriminator sees in training, for small data sets: names of
            `augmentations.AUGMENTATIONS` with commas between them, such as "colour,translation,cutout"; None for none.
            All scores of a step are of images that were changed alike.
        seed: Fixes the noise and the order of the data; drawn if None, and kept in the config.
        **kwargs: `name`, and other arguments of `keras.Model`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.
    """

    logged = ("d_loss", "g_loss")
    discriminator_steps = 1
    adversarial_loss: AdversarialLoss
    generator: keras.Model
    discriminator: keras.Model

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        num_classes: int | None = None,
        class_names: list[str] | None = None,
        packing: int = 1,
        r1: float | keras.optimizers.schedules.LearningRateSchedule = 0.0,
        r2: float | keras.optimizers.schedules.LearningRateSchedule = 0.0,
        ema_decay: float | None = None,
        augmentation: str | None = None,
        seed: int | None = None,
        **kwargs,
    ):
        checks.check_options(num_classes, class_names, packing, r1, r2, ema_decay, seed)
        self.check_players(generator, discriminator, packing)
        super().__init__({"generator": generator, "discriminator": discriminator}, seed=seed, **kwargs)
        self.class_names = None if class_names is None else tuple(class_names)
        self.num_classes = len(class_names) if class_names is not None else num_classes
        self.packing, self.r1, self.r2 = packing, r1, r2
        self.ema_decay, self.augmentation = ema_decay, augmentation
        self.ema_generator = None if ema_decay is None else frozen_copy(generator)
        if augmentation is not None:
            checks.check_augmentation(self, augmentation)

    @staticmethod
    def check_players(generator: keras.Model, discriminator: keras.Model, packing: int = 1) -> None:
        """Raises an `InputError` if a generator and a discriminator do not fit together."""
        checks.check_players(generator, discriminator, packing)

    def compile(
        self, generator_optimizer=None, discriminator_optimizer=None, **keras_arguments: Unpack[CompileArguments]
    ) -> None:
        """Sets how the players are optimised.

        Args:
            generator_optimizer: Keras optimizer, its name, or None for the paper's.
            discriminator_optimizer: Keras optimizer, its name, or None for the paper's.
            **keras_arguments: `run_eagerly`, `jit_compile` and `steps_per_execution` as in `keras.Model.compile`. The
                last changes no result. By default it is chosen for speed, and callbacks see what they would of single
                steps; with a number, they see a batch only at the end of so many steps or of the epoch.

        Raises:
            InputError: If an argument is invalid, or arguments cannot be combined.
        """
        super().compile(generator_optimizer, discriminator_optimizer, **keras_arguments)

    def make_train_function(self, force=False):
        """As in `GameModel`, after a check of the loss: before its graph is traced, so that nothing has changed yet."""
        if self.train_function is None and not self.run_eagerly and getattr(self, "adversarial_loss", None) is not None:
            check_values(self.adversarial_loss, (4, *self.score_shape))
        return super().make_train_function(force)

    # ------------------------------------------------------------------------------------ methods for a `train_step`

    def noise(self, draws: int, rows, step=None) -> list:
        """Standard normal noise of this step, drawn `draws` times for `rows` examples: a function of (seed, step).

        A list of None if the generator takes no noise.
        """
        return [None] * draws if self.latent_shape is None else self.normal(draws, rows, self.latent_shape, step)

    def generate(self, noise, condition, training: bool = True):
        """Examples from noise, by the generator in training (not its average); never in half precision."""
        given = inputs(noise, condition if self.condition is not None else None)
        return tf.cast(self.generator(given, training=training), keras.backend.floatx())

    def score(self, examples, condition, training: bool = True):
        """Raw discriminator scores, never in half precision. Real and generated examples are scored separately."""
        if training and self.augmentation is not None:
            examples = self.augmented(examples)
        judged = condition if len(self.discriminator.inputs) == 2 else None
        scores = self.discriminator(inputs(self._packed(examples), self._packed(judged)), training=training)
        return tf.cast(scores, keras.backend.floatx())

    def augmented(self, examples):
        """Images changed at random, alike whenever this is called in a step: a function of (seed, step)."""
        numbers = self.uniform(augmentations.draws_of(self.augmentation), tf.shape(examples)[0], stream=2)
        return augmentations.augmented(examples, self.augmentation, numbers)

    def mismatched(self, condition):
        """For each example the condition of the next one in the minibatch, whatever the number of replicas."""
        return replicas.next_rows(condition)

    def judge(self, real, fake, condition, training: bool = True) -> tuple:
        """Scores of real and of generated examples, and the penalties `r1` and `r2` for the discriminator's loss."""
        real_scores, real_penalty = self._penalised(real, condition, self.r1, training)
        fake_scores, fake_penalty = self._penalised(fake, condition, self.r2, training)
        return real_scores, fake_scores, real_penalty + fake_penalty

    def generator_loss(self, fake_scores, real_scores):
        """The generator's loss. `real_scores` is a function, because only relativistic losses need the real scores."""
        needed = (real_scores(),) if self.adversarial_loss.needs_real_scores else ()
        return self.adversarial_loss.generator_loss(fake_scores, *needed)

    def generator_penalty(self):
        """What a variant adds to the generator's loss in the step of `GAN`, such as a penalty on its weights."""
        return 0.0

    def finish_step(self, **logged) -> dict:
        """Increments the step, updates the averaged generator, and returns the means of the logged figures."""
        figures = super().finish_step(**logged)
        if self.ema_generator is not None:
            self._move_average()
        return figures

    def test_step(self, batch):
        """Both losses in inference mode, without penalties, on noise that is not used in training."""
        real, condition, size = self.to_evaluate(batch)
        [noise] = self.noise(1, tf.shape(real)[0], self.evaluation_step())
        fake = self.generate(noise, condition, training=False)
        return self.tracked(self.evaluated(real, fake, condition), weight=size)

    def evaluated(self, real, fake, condition) -> dict:
        """What `evaluate` logs: both losses in inference mode, without penalties, and the figures of a variant."""
        real_scores, fake_scores, _ = self.judge(real, fake, condition, training=False)
        d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores)
        g_loss = self.generator_loss(fake_scores, lambda: real_scores)
        return {"d_loss": d_loss, "g_loss": g_loss, **self.figures(real_scores, fake_scores)}

    def figures(self, real_scores, fake_scores) -> dict:
        """The figures that a variant logs besides the losses."""
        return {}

    def scores(self, real, condition=None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Scores of real examples and of as many generated ones, in inference mode. Training is not changed by it.

        Generated examples are those of the generator in training, which the discriminator knows, not of its average.

        Args:
            real: Examples (n, *example_shape), images uint8 or in [-1, 1]; n is divisible by the packing.
            condition: The conditions of both, if a network takes any.
            seed: Seed of the noise.

        Returns:
            Two arrays of raw scores, (n, 1) or maps of them.

        Raises:
            InputError: If the examples or the conditions do not fit the networks, as in `fit`.

        Example:
            >>> import numpy as np
            >>> import keras_gan_zoo as kgz
            >>> [scores.shape for scores in kgz.GAN.for_images((2,), seed=0).scores(np.zeros((5, 2), "float32"))]
            [(5, 1), (5, 1)]
        """
        real, condition = self._checked(real, condition)
        shape = self.latent_shape
        noise = None if shape is None else tf.convert_to_tensor(truncated_noise(len(real), shape, None, seed))
        with self._drawing(seed):
            return tuple(scores.numpy() for scores in self._both_scores(real, noise, condition))

    def _checked(self, real, condition) -> tuple:
        """Examples and conditions from the user as tensors, checked like a batch of `fit`."""
        if self.data_condition is not None and condition is None:
            self.data_condition.check_data(None, None)
        if self.data_condition is None and condition is not None:
            raise InputError("Expected no condition, because no network takes any. Received: one. Leave it out.")
        look_at_arrays(self, real, condition)
        real, condition = self.unpacked((real, condition))
        checks.check_divisible(len(real), 1, self.packing)
        return real, condition

    def _both_scores(self, real, noise, condition) -> tuple:
        fake = self.generate(noise, condition, training=False)
        return self.judge(real, fake, condition, training=False)[:2]

    def _packed(self, values):
        """Joins m consecutive examples along the last axis, so that the discriminator judges them together."""
        if self.packing == 1 or values is None:
            return values
        shape = values.shape[1:]
        packs = tf.reshape(values, (-1, self.packing, *shape))
        if shape.rank == 0:
            return packs  # labels (batch, m)
        axes = [0, *range(2, len(shape) + 1), 1, len(shape) + 1]
        return tf.reshape(tf.transpose(packs, axes), (-1, *shape[:-1], self.packing * shape[-1]))

    def _penalised(self, examples, condition, weight, training: bool) -> tuple:
        """Scores, and in training the weighted penalty on their slope."""
        if not (training and weight):
            return self.score(examples, condition, training), 0.0
        scores, slope = penalties.slopes(lambda examples: self.score(examples, condition, training), examples)
        if callable(weight):
            weight = tf.cast(weight(self.step), slope.dtype)
        return scores, weight * penalties.zero_centred(slope)

    def _move_average(self) -> None:
        """Updates the average, over at most a tenth of the steps so far, so that initial weights do not dominate it."""
        step = tf.cast(self.step, keras.backend.floatx())
        decay = tf.minimum(tf.cast(self.ema_decay, step.dtype), step / (step + 10))
        for average, weight in self._averaged():
            keep = tf.cast(decay, average.dtype)
            average.assign(keep * average + (1 - keep) * weight)

    def _averaged(self) -> list[tuple]:
        """The weights of the averaged generator, each with that of the generator in training."""
        return list(zip(self.ema_generator.weights, self.generator.weights, strict=True))

    # ------------------------------------------------------------------------------------------- what the networks take

    @property
    def sampling_generator(self) -> keras.Model:
        """The generator as it is used and kept: the moving average if there is one."""
        return self.generator if self.ema_generator is None else self.ema_generator

    @property
    def sampler(self) -> keras.Model:
        """The network that samples come from."""
        return self.sampling_generator

    @property
    def latent_shape(self) -> tuple[int, ...] | None:
        """Shape of the noise of one example, such as (100,); None if the generator takes none."""
        noise, _ = noise_and_condition(self.generator, self.discriminator)
        return None if noise is None else tuple(noise.shape[1:])

    @property
    def condition(self) -> Condition | None:
        """The condition that the generator takes besides noise; None for none."""
        _, condition = noise_and_condition(self.generator, self.discriminator)
        return None if condition is None else Condition.from_input(condition, self.num_classes, self.class_names)

    @property
    def data_condition(self) -> Condition | None:
        """The condition that either network takes and the data must have; None for none."""
        if self.condition is not None or len(self.discriminator.inputs) == 1:
            return self.condition
        return Condition.from_input(self.discriminator.inputs[1], self.num_classes, self.class_names)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one generated example, such as (28, 28, 1)."""
        return tuple(self.generator.output_shape[1:])

    @property
    def score_shape(self) -> tuple[int, ...]:
        """Shape of the score of one example, such as (1,), or of the map of its scores."""
        return tuple(self.discriminator.output_shape[1:])

    @property
    def minibatches_per_step(self) -> int:
        """One for each of the discriminator's steps."""
        return self.discriminator_steps

    def updates_in(self, steps):
        return [steps, steps * self.discriminator_steps]

    @property
    def player_losses(self) -> dict[str, str]:
        return {"discriminator": "d_loss", "generator": "g_loss"}

    def adopt(self, dataset) -> None:
        """Adopts the class names of the data, if the model has none of its own."""
        if self.class_names is None and len(dataset.class_names or ()) == self.num_classes:
            self.class_names = tuple(dataset.class_names)

    def call(self, inputs, training=False):
        """Examples from noise, or from [noise, condition], by the averaged generator if there is one."""
        return self.sampler(inputs, training=training)

    # -------------------------------------------------------------------------------------------------------- saving

    def save_weights(self, *arguments, **keywords):
        """As in `keras.Model`. Refused without a discriminator: the file could not record that it is missing."""
        self.check_complete()
        super().save_weights(*arguments, **keywords)

    def get_config(self):
        config = super().get_config()
        marks = {"lacks_discriminator": self.lacks_discriminator, "shares_layers": shares_layers(self.ema_generator)}
        return {
            **{mark: True for mark, is_set in marks.items() if is_set},
            "name": config["name"],
            **config["players"],
            "num_classes": self.num_classes,
            "class_names": None if self.class_names is None else list(self.class_names),
            "packing": self.packing,
            "r1": keras.saving.serialize_keras_object(self.r1),
            "r2": keras.saving.serialize_keras_object(self.r2),
            "ema_decay": self.ema_decay,
            **({} if self.augmentation is None else {"augmentation": self.augmentation}),  # as in earlier snapshots
            "seed": config["seed"],
        }

    @classmethod
    def from_config(cls, config):
        check_not_forked()
        objects = {"generator", "discriminator", "r1", "r2"} & {*config}
        arguments = {**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in objects}}
        marks = {mark: arguments.pop(mark, False) for mark in ("lacks_discriminator", "shares_layers")}
        with rebuilding(marks):
            model = cls(**arguments)
        model.lacks_discriminator = marks["lacks_discriminator"]
        return model
