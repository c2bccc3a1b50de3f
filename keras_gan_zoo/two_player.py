"""Keras' side of the contract for a model of two players: everything around a `train_step` but the algorithm."""

import random
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.checks import check_divisible, check_fit_data, check_labels, check_players, check_seed, refuse
from keras_gan_zoo.errors import InputError

SMALL = 250_000  # parameters of both players, below which dispatching a step costs about as much as computing it
STEPS_OF_SMALL = 64  # steps per call into the graph for such players


class TwoPlayerModel(keras.Model):
    """A generator and a discriminator with an optimizer each, trained by `fit`.

    Subclasses write `train_step` and `test_step` in the vocabulary below: `minibatches`, `noise`, `generate`, `score`,
    `descend`, `finish_step`. See `GAN` for the arguments.
    """

    logged = ("d_loss", "g_loss")
    discriminator_steps = 1

    def __init__(self, generator, discriminator, *, num_classes=None, ema_decay=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_players(generator, discriminator)
        if ema_decay is not None and not 0 <= ema_decay < 1:
            raise InputError(f"ema_decay is expected in [0, 1), such as 0.999. Received: {ema_decay}.")
        self.generator = generator
        self.discriminator = discriminator
        self.num_classes = num_classes
        self.ema_decay = ema_decay
        self.seed = random.getrandbits(31) if seed is None else check_seed(seed)
        self.step = self.add_weight(name="step", shape=(), dtype="int64", initializer="zeros", trainable=False)
        self.ema_generator = None if ema_decay is None else _frozen_copy(generator)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self._epoch_length = None
        self.built = True

    # ------------------------------------------------------------------------------- the vocabulary of train_steps

    def minibatches(self, batch, k: int) -> list[tuple]:
        """Cuts a batch into k fresh minibatches (examples, labels); labels are None unless the networks take them."""
        examples, labels = self._unpack(batch)
        check_divisible(examples.shape[0], k)
        cut_labels = [None] * k if labels is None else tf.split(labels, k)
        return list(zip(tf.split(examples, k), cut_labels, strict=True))

    def noise(self, draws: int, rows, step=None) -> list[tf.Tensor]:
        """Standard normal noise of this step, drawn `draws` times for `rows` examples: a function of (seed, step).

        Drawn for the global batch and cut, so that replicas differ and the result does not depend on their number.
        """
        context = tf.distribute.get_replica_context()
        replicas, replica = context.num_replicas_in_sync, context.replica_id_in_sync_group
        step = tf.convert_to_tensor(self.step if step is None else step)
        shape = (draws, replicas * rows, *self.latent_shape)
        values = tf.random.stateless_normal(shape, tf.stack([tf.cast(self.seed, step.dtype), step]), dtype=_floatx())
        return tf.unstack(values[:, replica * rows : (replica + 1) * rows])

    def generate(self, noise, labels, training: bool = True):
        """Examples from noise, by the generator that is being trained."""
        return self.generator(_inputs(noise, labels), training=training)

    def score(self, examples, labels, training: bool = True):
        """Raw discriminator scores, never in half precision. Real and generated examples are scored separately."""
        scores = self.discriminator(_inputs(examples, labels), training=training)
        return tf.cast(scores, _floatx())

    def descend(self, player: keras.Model, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        """One optimizer step of one player, down the gradient of a loss that is a mean over this replica's examples.

        Optimizers sum gradients over replicas, so each contributes its share; a loss scale enters the same way.
        """
        optimizer = self.generator_optimizer if player is self.generator else self.discriminator_optimizer
        share = tf.ones_like(loss) / tf.distribute.get_strategy().num_replicas_in_sync
        variables = player.trainable_variables
        optimizer.apply(tape.gradient(loss, variables, output_gradients=optimizer.scale_loss(share)), variables)

    def finish_step(self, **logged) -> dict:
        """Counts the step, moves the averaged generator, returns the means of the logged figures over the epoch."""
        self.step.assign_add(1)
        if self.ema_generator is not None:
            self._move_average()
        return self._track(logged)

    # ---------------------------------------------------------------------------------------- compile, fit, evaluate

    def compile(self, generator_optimizer=None, discriminator_optimizer=None, **keras_arguments):
        """Sets how the players are optimised.

        Args:
            generator_optimizer: Keras optimizer, its name, or None for the paper's.
            discriminator_optimizer: The same for the discriminator.
            **keras_arguments: `run_eagerly`, `jit_compile` and `steps_per_execution` as in `keras.Model.compile`. The
                last is 1 by default, and more where the players are so small that dispatching a step costs as much as
                the step. It changes no result, but callbacks see a batch only at the end of an execution.
        """
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
        super().compile(optimizer=None, **{**steps, **keras_arguments})
        self.generator_optimizer = self._built_optimizer(generator_optimizer, self.generator)
        self.discriminator_optimizer = self._built_optimizer(discriminator_optimizer, self.discriminator)
        self._compile_arguments = keras_arguments

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **keras_arguments):
        """Trains like `keras.Model.fit`, on arrays, a `data.Dataset` or a `tf.data.Dataset` of batches.

        Arrays and `data.Dataset`s are cut into full batches whose order is a function of the seed and the step: what
        an epoch leaves over, another takes, unless `shuffle=False`. Validation figures are those of `evaluate`.

        Args:
            x: uint8 images, or float examples (images in [-1, 1]); or a dataset.
            y: Integer labels (n,), needed by conditional networks and ignored by others.
            batch_size: Examples per step, 64 by default, divisible by the discriminator's steps.
            epochs, verbose, callbacks, **keras_arguments: As in `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InputError: If the data do not fit the networks or the batch size.
        """
        refuse(keras_arguments, "sample_weight", "class_weight", "validation_split")
        shuffle = keras_arguments.pop("shuffle", True)
        check_fit_data(x, y)
        validation = {name: keras_arguments.pop(f"validation_{name}", None) for name in ("data", "batch_size", "steps")}
        if validation["data"] is not None:
            held_out = validation["data"]
            held_out = tuple(held_out) if isinstance(held_out, (tuple, list)) else (held_out,)
            refuse({"sample_weight": held_out[2:] or None}, "sample_weight")
            keras_arguments["validation_data"] = self._batches_in_order(
                *held_out[:2], batch_size=validation["batch_size"] or batch_size, steps=validation["steps"]
            )
        dataset = data.as_dataset(x, y)
        if dataset is not None:
            batch_size = data.BATCH_SIZE if batch_size is None else batch_size
            self.check_dataset(dataset, batch_size)
            if keras_arguments.get("steps_per_epoch") is None:
                keras_arguments["steps_per_epoch"] = len(dataset) // batch_size
            start = int(keras.ops.convert_to_numpy(self.step))
            x, y = dataset.batches(batch_size, self.seed, start, self.conditional, shuffle), None
            batch_size = None
        self._epoch_length = keras_arguments.get("steps_per_epoch")
        with data.errors_of_pipelines():
            return super().fit(x, y, batch_size, epochs, verbose, callbacks, shuffle=False, **keras_arguments)

    def evaluate(self, x=None, y=None, batch_size=None, **keras_arguments):
        """Both losses over all examples, networks in inference mode; nothing is updated. Takes what `fit` takes."""
        refuse(keras_arguments, "sample_weight")
        batches = self._batches_in_order(x, y, batch_size=batch_size, steps=keras_arguments.pop("steps", None))
        with data.errors_of_pipelines():
            return super().evaluate(batches, **keras_arguments)

    def make_train_function(self, force=False):
        """Keras' own, except with several steps per execution: ours then ends an execution where the epoch ends."""
        if self.steps_per_execution == 1 or self.distribute_strategy.num_replicas_in_sync > 1:
            return super().make_train_function(force)
        if self.train_function is None or force:
            self.train_function = self._several_steps_function()
        return self.train_function

    @property
    def metrics(self):
        return list(self._trackers.values())

    # ------------------------------------------------------------------------------------------------------ sampling

    def call(self, inputs, training=False):
        """Examples from noise, or from [noise, labels]; by the averaged generator where there is one."""
        return self.sampler(inputs, training=training)

    def sample(self, n: int, labels=None, seed: int | None = None) -> np.ndarray:
        """Generated examples.

        Args:
            n: How many, at least 1.
            labels: For conditional networks: one label for all, or n labels; by default the classes in turn.
            seed: Same seed, same examples, of which the first do not depend on n. None draws afresh.

        Returns:
            float32 array (n, *example_shape); images are in [-1, 1].

        Raises:
            InputError: If n or the labels are not of that form.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise InputError(f"sample() expects a number of examples of at least 1. Received: n={n!r}.")
        noise = np.random.default_rng(seed).standard_normal((n, *self.latent_shape), dtype=np.float32)
        labels = self._labels_to_sample(n, labels)
        pieces = [slice(start, start + data.BATCH_SIZE) for start in range(0, n, data.BATCH_SIZE)]
        examples = [self._sample(_inputs(noise[i], None if labels is None else labels[i])).numpy() for i in pieces]
        return np.concatenate(examples).astype(np.float32)

    @property
    def sampler(self) -> keras.Model:
        """The generator that samples come from: the moving average where there is one."""
        return self.generator if self.ema_generator is None else self.ema_generator

    @property
    def conditional(self) -> bool:
        """Whether the networks take labels."""
        return len(self.generator.inputs) == 2

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one example, such as (100,)."""
        return tuple(self.generator.inputs[0].shape[1:])

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one generated example, such as (28, 28, 1)."""
        return tuple(self.generator.output_shape[1:])

    # -------------------------------------------------------------------------------------------------------- saving

    def get_config(self):
        return {
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "num_classes": self.num_classes,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        players = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("generator", "discriminator")}
        return cls(**{**config, **players})

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

    @cached_property
    def _sample(self):
        return tf.function(lambda inputs: self(inputs, training=False), autograph=False, reduce_retracing=True)

    def _track(self, logged: dict, weight=None) -> dict:
        for name, value in logged.items():
            self._trackers[name].update_state(value, sample_weight=weight)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def _move_average(self) -> None:
        """Over at most a tenth of the steps so far, so that a short run is not dominated by the initial weights."""
        step = tf.cast(self.step, _floatx())
        decay = tf.minimum(tf.cast(self.ema_decay, step.dtype), step / (step + 10))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            keep = tf.cast(decay, average.dtype)
            average.assign(keep * average + (1 - keep) * weight)

    def _random_states(self) -> list:
        return [variable for variable in self.variables if variable.path.endswith("seed_generator_state")]

    def _several_steps_function(self):
        step = (
            self.train_step
            if self.run_eagerly
            else tf.function(self.train_step, autograph=False, jit_compile=self.jit_compile)
        )

        def execute(iterator, limit):
            def body(done, batch):
                step(batch.get_value())
                more = done + 1 < limit
                return done + 1, tf.cond(more, iterator.get_next_as_optional, lambda: batch)

            first = iterator.get_next_as_optional()
            done, _ = tf.while_loop(
                lambda done, batch: (done < limit) & batch.has_value(), body, (tf.zeros_like(limit), first)
            )
            return done, {tracker.name: tracker.result() for tracker in self.metrics}

        if not self.run_eagerly:
            execute = tf.function(execute, autograph=False, reduce_retracing=True)

        def train_function(iterator):
            if not isinstance(iterator, tf.data.Iterator):  # train_on_batch
                return step(next(iterator))
            limit = self.steps_per_execution
            if self._epoch_length is not None:
                limit = min(limit, self._epoch_length - int(self._trackers["d_loss"].count))
            done, logs = execute(iterator, tf.constant(limit))
            if not done:
                raise StopIteration
            return logs

        return train_function

    def _default_steps_per_execution(self) -> int:
        small = self.generator.count_params() + self.discriminator.count_params() < SMALL
        return STEPS_OF_SMALL if small and not tf.distribute.has_strategy() else 1

    def _built_optimizer(self, optimizer, player: keras.Model) -> keras.optimizers.Optimizer:
        """Built here, because Keras loads no weights into an optimizer that is not."""
        optimizer = self.paper_optimizer() if optimizer is None else keras.optimizers.get(optimizer)
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if any(layer.compute_dtype == "float16" for layer in player.layers) and not scales:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(player.trainable_variables)
        return optimizer

    def _batches_in_order(self, x, y=None, *, batch_size=None, steps=None):
        dataset = data.as_dataset(x, y)
        if dataset is not None:
            self.check_dataset(dataset)
            x = dataset.batches_in_order(batch_size or data.BATCH_SIZE, self.conditional)
        return x if steps is None else x.take(steps)

    def _unpack(self, batch) -> tuple:
        """(examples, labels) of a batch, checked while tracing; labels are None unless the networks take them."""
        examples, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        self._check_examples(examples.shape[1:], labels is not None)
        return tf.cast(data.normalised(examples), _floatx()), labels if self.conditional else None

    def _check_examples(self, shape, has_labels: bool) -> None:
        if tuple(shape) != self.example_shape:
            raise InputError(
                f"Expected examples of the shape the generator makes, {self.example_shape}. Received: {tuple(shape)}. "
                "Build the networks for the data: for_images(shape), or load the data with another image_size."
            )
        if self.conditional and not has_labels:
            raise InputError(
                "Expected labels, because the networks take them. Received: examples only. Call fit(images, labels), "
                "or build unconditional networks."
            )

    def check_dataset(self, dataset: data.Dataset, batch_size: int | None = None) -> None:
        """Raises an `InputError` if this model cannot take these data, or be trained in batches of this size."""
        self._check_examples(dataset.example_shape, dataset.has_labels)
        batch_size = self.discriminator_steps if batch_size is None else batch_size
        if batch_size < 1 or len(dataset) < batch_size:
            raise InputError(
                f"Expected at least one full batch of {batch_size}. Received: {len(dataset)} examples. "
                "Choose a smaller batch_size, or more data."
            )
        check_divisible(batch_size, self.discriminator_steps)
        if self.conditional and self.num_classes is not None and dataset.labels is not None:
            check_labels(dataset.labels, self.num_classes)

    def _labels_to_sample(self, n: int, labels) -> np.ndarray | None:
        if not self.conditional:
            return None
        if labels is None and self.num_classes is None:
            raise InputError(
                "sample() expects labels, because the networks take them and num_classes is unknown. Received: none. "
                "Pass labels, or num_classes to the constructor."
            )
        labels = np.arange(n) % self.num_classes if labels is None else np.asarray(labels)
        if labels.shape not in ((), (n,)):
            raise InputError(f"sample({n}) expects one label or {n} labels. Received: shape {labels.shape}.")
        if self.num_classes is not None:
            check_labels(labels, self.num_classes)
        return np.broadcast_to(labels.astype(np.int32), (n,))


def _floatx() -> str:
    return keras.backend.floatx()


def _inputs(first, labels):
    return first if labels is None else [first, labels]


def _frozen_copy(network: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
