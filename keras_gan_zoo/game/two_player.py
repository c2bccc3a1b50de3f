"""Keras' side of the contract for a model of two players: everything around a `train_step` but the algorithm."""

import random

import keras

from keras_gan_zoo import distribution
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_execution, check_options, check_players, check_scope
from keras_gan_zoo.game.fitting import Fitting
from keras_gan_zoo.game.for_images import ForImages
from keras_gan_zoo.game.presets import AsPreset
from keras_gan_zoo.game.sampling import Sampling
from keras_gan_zoo.game.vocabulary import Vocabulary

SMALL = 250_000  # parameters of both players, below which dispatching a step costs about as much as computing it
STEPS_OF_SMALL = 64  # steps per call into the graph for such players


class TwoPlayerModel(Vocabulary, Fitting, ForImages, AsPreset, Sampling, keras.Model):
    """A generator and a discriminator with an optimizer each, trained by `fit`.

    Subclasses write `train_step` in the words of `Vocabulary`. These options are common to all of them.

    Args:
        generator: Keras model from noise (batch, latent_dim), or [noise, labels (batch,)], to examples. Images are
            channels last in [-1, 1]; any other shape works too, fed as a `tf.data.Dataset`.
        discriminator: Keras model from examples, or [examples, labels], to raw scores (batch, 1): logits, no sigmoid.
        num_classes: Number of classes of the labels, if the networks take labels.
        class_names: Names of the labels 0, 1, ..., which `sample` then takes; by default those of the `data.Dataset`
            that the model is first trained on, if it has any.
        packing: Examples m that the discriminator judges at once (PacGAN, Lin et al., 2018). They are joined along the
            last axis: it takes m times the channels and, if conditional, labels (batch, m). Divides the minibatch.
        r1: Weight of the penalty on the discriminator's slope at real examples (Mescheder et al., 2018). It is
            zero-centred, gamma / 2 times the mean squared slope for the weight gamma, and left out in `evaluate`.
        r2: Weight of the same penalty at generated examples.
        ema_decay: Decay of a moving average of the generator's weights, such as 0.999; None for none. `sample` and
            `predict` use it. After step t it decays by the smaller of this and t / (t + 10).
        seed: Fixes the noise and the order of the data; drawn if None, and kept in the config.
        **kwargs: `name`, and other arguments of `keras.Model`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.
    """

    logged = ("d_loss", "g_loss")
    discriminator_steps = 1

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        num_classes: int | None = None,
        class_names: list[str] | None = None,
        packing: int = 1,
        r1: float = 0.0,
        r2: float = 0.0,
        ema_decay: float | None = None,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # noise and examples stay as they are, whatever policy is global
        check_options(num_classes, class_names, packing, r1, r2, ema_decay, seed)
        check_players(generator, discriminator, packing)
        for player in (generator, discriminator):
            replicas.prepare(player)
        self.generator = generator
        self.discriminator = discriminator
        self.class_names = None if class_names is None else tuple(class_names)
        self.num_classes = len(class_names) if class_names is not None else num_classes
        self.packing, self.r1, self.r2 = packing, r1, r2
        self.ema_decay = ema_decay
        self.seed_is_drawn = seed is None
        self.seed = random.getrandbits(31) if self.seed_is_drawn else int(seed)
        self.step = self.add_weight(name="step", shape=(), dtype="int64", initializer="zeros", trainable=False)
        self.ema_generator = None if ema_decay is None else _frozen_copy(generator)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self._epoch_length, self.broken_epoch, self.is_guarded = None, None, False
        self.built = True

    # ------------------------------------------------------------------------------------------------------- compile

    def compile(self, generator_optimizer=None, discriminator_optimizer=None, **keras_arguments):
        """Sets how the players are optimised.

        Args:
            generator_optimizer: Keras optimizer, its name, or None for the paper's.
            discriminator_optimizer: The same for the discriminator.
            **keras_arguments: `run_eagerly`, `jit_compile` and `steps_per_execution` as in `keras.Model.compile`. The
                last is 1 by default, and more where the players are so small that dispatching a step costs as much as
                the step. It changes no result, but callbacks see a batch only at the end of an execution.

        Raises:
            InputError: If arguments cannot work, or not together.
        """
        check_scope(self._distribute_strategy)
        distribution.check_supported(self.distribute_strategy)
        for name in ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"):
            if name in keras_arguments:
                raise InputError(
                    "compile() expects generator_optimizer and discriminator_optimizer; the loss is an argument of "
                    f"the constructor. Received: {name}={keras_arguments[name]!r}. Leave {name!r} out."
                )
        shared = generator_optimizer is discriminator_optimizer
        if shared and isinstance(generator_optimizer, keras.optimizers.Optimizer):
            raise InputError(
                "Expected two optimizers, because each keeps the state of one player. Received: one instance for both. "
                "Create a second one."
            )
        steps = {"steps_per_execution": self._default_steps_per_execution()}
        check_execution(self.distribute_strategy.num_replicas_in_sync, **keras_arguments)
        super().compile(optimizer=None, **{**steps, **keras_arguments})
        with self.distribute_strategy.scope():
            self.generator_optimizer = self._built_optimizer(generator_optimizer, self.generator)
            self.discriminator_optimizer = self._built_optimizer(discriminator_optimizer, self.discriminator)
        self._compile_arguments = keras_arguments
        self.compiled_as = self.get_compile_config()

    @property
    def metrics(self):
        return list(self._trackers.values())

    def loss_total(self, name: str):
        """The sum over the steps of the epoch behind the mean that is logged: not finite if one of them was not."""
        return self._trackers[name].total

    # ------------------------------------------------------------------------------------------------------ sampling

    def call(self, inputs, training=False):
        """Examples from noise, or from [noise, labels]; by the averaged generator where there is one."""
        return self.sampler(inputs, training=training)

    # -------------------------------------------------------------------------------------------------------- saving

    def get_config(self):
        lacking = {"lacks_discriminator": True} if self.lacks_discriminator else {}
        return {
            **lacking,
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "num_classes": self.num_classes,
            "class_names": None if self.class_names is None else list(self.class_names),
            "packing": self.packing,
            "r1": self.r1,
            "r2": self.r2,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        players = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("generator", "discriminator")}
        lacks_discriminator = config.get("lacks_discriminator", False)
        model = cls(**{name: value for name, value in {**config, **players}.items() if name != "lacks_discriminator"})
        model.lacks_discriminator = lacks_discriminator
        return model

    def get_compile_config(self):
        if not self.compiled:
            return None
        optimizers = {name: getattr(self, name) for name in ("generator_optimizer", "discriminator_optimizer")}
        return {
            **{name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in optimizers.items()},
            **self._compile_arguments,
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        """The step, and the states that Dropout and other random layers draw from, which Keras leaves out."""
        super().save_own_variables(store)
        for number, state in enumerate(self._random_states()):
            store[f"random_state_{number}"] = keras.ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        self.step.assign(store["0"])
        for number, state in enumerate(self._random_states()):
            state.assign(store[f"random_state_{number}"])

    # ------------------------------------------------------------------------------------------------------- helpers

    def _random_states(self) -> list:
        return [variable for variable in self.variables if variable.path.endswith("seed_generator_state")]

    def _default_steps_per_execution(self) -> int:
        small = self.generator.count_params() + self.discriminator.count_params() < SMALL
        return STEPS_OF_SMALL if small and self._distribute_strategy is None else 1

    def _built_optimizer(self, optimizer, player: keras.Model) -> keras.optimizers.Optimizer:
        """Built here, because Keras loads no weights into an optimizer that is not."""
        optimizer = self.paper_optimizer() if optimizer is None else keras.optimizers.get(optimizer)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if inner.use_ema:
            raise InputError(
                "Expected optimizers without use_ema, whose average Keras would never put to use here. Received: "
                f"use_ema=True. Pass ema_decay={inner.ema_momentum} to the model instead."
            )
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if any(layer.compute_dtype == "float16" for layer in player._flatten_layers()) and not scales:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(player.trainable_variables)
        return optimizer


def _frozen_copy(network: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
