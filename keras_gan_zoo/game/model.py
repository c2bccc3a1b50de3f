"""A Keras model of named players: everything except the algorithm, which is the `train_step`."""

import random
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_gan_zoo import data, distribution
from keras_gan_zoo.core.bounds import check_seed
from keras_gan_zoo.core.conditions import Condition, as_array
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.core.keras_internals import (
    BuiltInConstructor,
    omit_tracing_warnings,
    random_states,
    strategy_of,
)
from keras_gan_zoo.core.notebooks import table
from keras_gan_zoo.data.pipelines import as_condition, normalised
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game import checks, execution, fitting, saving
from keras_gan_zoo.game.players import Optimizers, Player, assign_optimizers, built_optimizer
from keras_gan_zoo.game.session import Session

SMALL = 250_000  # parameters of all players, below which dispatching a step costs about as much as computing it
STEPS_OF_SMALL = 64  # the largest number of steps per call of the graph for such players


class GameModel(BuiltInConstructor, keras.Model):
    """The base of all models here: players, which are networks with an optimizer each, trained by a `train_step`.

    A subclass writes its `train_step` with the methods `minibatches`, `normal` or `uniform`, `descend` and
    `finish_step`. They take care of replicas, loss scales, reproducible random numbers and logged figures. `fit`,
    saving, snapshots and guards against NaN then work as for every model of this package.

    Args:
        players: Functional Keras models by the names of the players. Each becomes an attribute of that name, and
            `compile` takes an optimizer for it, `<name>_optimizer`. A network may have several named parts, such as
            `keras.Model([x, y], [forward(x), backward(y)])`.
        seed: Fixes random numbers and the order of the data; drawn if None, and kept in the config.
        **kwargs: `name`, and other arguments of `keras.Model`.

    Raises:
        InputError: If a network is not built, two networks share a weight, or the seed is out of range.

    Example:
        ```python
        class Autoencoder(kgz.GameModel):
            def train_step(self, batch):
                [(images, _)] = self.minibatches(batch, 1)
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((self.network(images, training=True) - images) ** 2)
                self.descend(self.network, loss, tape)
                return self.finish_step(loss=loss)

        model = Autoencoder({"network": network}, seed=0)
        model.compile("adam")
        model.fit(images, epochs=5, callbacks=[kgz.callbacks.Snapshots("snapshots")])
        ```
    """

    logged: tuple[str, ...] = ("loss",)  # names of the figures that are passed to `finish_step`
    packing = 1  # number of examples that are judged together
    minibatch_size = data.BATCH_SIZE  # examples of each minibatch of a step, by default
    condition_comes_first = False  # in what users pass: `fit(sources, targets)`
    predict_function: Callable | None  # Keras' constructor sets it

    def __init__(self, players: dict[str, keras.Model], *, seed: int | None = None, **kwargs):
        check_not_forked()
        super().__init__(autocast=False, **kwargs)  # keep the dtype of noise and examples under any global policy
        if seed is not None:
            check_seed(seed)
        checks.check_floatx()
        checks.check_networks(players)
        for name, network in players.items():
            replicas.prepare(network)
            setattr(self, name, network)
        self._player_names = tuple(players)
        self.seed_is_drawn = seed is None
        self.seed = random.getrandbits(31) if self.seed_is_drawn else int(seed)
        self.step = self.add_weight(name="step", shape=(), dtype="int64", initializer="zeros", trainable=False)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self.session: Session | None = None  # the `fit` that is running
        self.built = True

    # ------------------------------------------------------------------------------------- what subclasses may change

    @staticmethod
    def paper_optimizer(learning_rate: float = 0.001) -> keras.optimizers.Optimizer:
        """The default optimizer of a player in `compile`."""
        return keras.optimizers.Adam(learning_rate)

    @classmethod
    def default_optimizer(cls, player: str) -> keras.optimizers.Optimizer:
        """The optimizer that `compile` gives a player by default: `paper_optimizer`.

        A variant overrides this if the learning rates of its paper differ between the players.
        """
        return cls.paper_optimizer()

    @property
    def player_losses(self) -> dict[str, str]:
        """Names of the players' losses among `logged`, in the order in which a step computes them."""
        return dict(zip(self._player_names, self.logged, strict=False))

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example of the data: by default the input shape of the first player."""
        return tuple(getattr(self, self._player_names[0]).inputs[0].shape[1:])

    @property
    def data_condition(self) -> Condition | None:
        """The condition that the data must have besides examples; None for none."""
        return None

    @property
    def minibatches_per_step(self) -> int:
        """Number of minibatches that a step cuts its batch into."""
        return 1

    def updates_in(self, steps: int) -> list[int]:
        """How often each player is updated in so many steps."""
        return [steps] * len(self.players)

    def check_complete(self) -> None:
        """Raises an `InputError` if a network is not ready to be trained or evaluated."""

    def prepared(self, dataset: data.Dataset) -> data.Dataset:
        """The examples with the conditions that the networks take, made from what the data have."""
        return dataset

    def arranged(self, x, y) -> tuple:
        """What users pass to `fit`, `evaluate` and validation in the order of this class: examples, conditions."""
        is_pair = self.condition_comes_first and y is not None and hasattr(x, "shape")
        return (as_array(y), x) if is_pair else (x, y)

    def adopt(self, dataset: data.Dataset) -> None:
        """Takes facts that the model lacks, such as class names, from the data that it is first trained on."""

    # -------------------------------------------------------------------------------------------------------- players

    @property
    def players(self) -> dict[str, Player]:
        """The networks with their optimizers, by name."""
        return {
            name: Player(name, getattr(self, name), getattr(self, f"{name}_optimizer", None))
            for name in self._player_names
        }

    @property
    def optimizer(self) -> Optimizers | None:
        """The optimizers of all players, to be read by callbacks that expect a single one; None before `compile`."""
        is_compiled = all(player.optimizer is not None for player in self.players.values())
        return Optimizers(self.players, self.step) if is_compiled else None

    @optimizer.setter
    def optimizer(self, value) -> None:  # Keras' compile sets it to None
        if value is not None:
            raise InputError(
                f"Expected an optimizer of one player. Received: one for all. Pass it to compile, or set "
                f"{' or '.join(f'{name}_optimizer' for name in self._player_names)}."
            )

    def compile(self, *optimizers, **arguments):
        """Sets how the players are optimised.

        Args:
            *optimizers: Keras optimizers or their names, in the order of the players; None for `paper_optimizer`.
            **arguments: Optimizers by name: `<player>_optimizer`, or `optimizer` for a single player; `run_eagerly`,
                `jit_compile` and `steps_per_execution` as in `keras.Model.compile`. The last changes no result. By
                default it is chosen for speed, and callbacks see what they would of single steps; with a number,
                they see a batch only at the end of so many steps or of the epoch.

        Raises:
            InputError: If an argument is invalid, or arguments cannot be combined.
        """
        checks.check_scope(strategy_of(self))
        distribution.check_supported(self.distribute_strategy)
        chosen, keras_arguments = assign_optimizers(self._player_names, optimizers, arguments)
        checks.check_execution(self.distribute_strategy.num_replicas_in_sync, **keras_arguments)
        self.steps_are_given = keras_arguments.get("steps_per_execution") is not None
        steps = {} if self.steps_are_given else {"steps_per_execution": self._default_steps_per_execution()}
        with self.distribute_strategy.scope():
            built = {
                name: built_optimizer(
                    self.default_optimizer(player) if optimizer is None else optimizer, getattr(self, player)
                )
                for name, optimizer in chosen.items()
                for player in [name.removesuffix("_optimizer")]
            }
        super().compile(optimizer=None, **{"auto_scale_loss": False, **keras_arguments, **steps})
        for name, optimizer in built.items():
            setattr(self, name, optimizer)
        self._compile_arguments = keras_arguments
        self.compiled_as = self.get_compile_config()

    def _default_steps_per_execution(self) -> int:
        parameters = sum(player.network.count_params() for player in self.players.values())
        return STEPS_OF_SMALL if parameters < SMALL and strategy_of(self) is None else 1

    # ------------------------------------------------------------------------------------ methods for a `train_step`

    def minibatches(self, batch, k: int) -> list[tuple]:
        """Cuts a batch into k minibatches (examples, condition); the condition is None if the networks take none."""
        examples, condition = self.unpacked(batch)
        checks.check_divisible(examples.shape[0], k, self.packing)
        conditions = [None] * k if condition is None else _deal(condition, k)
        return list(zip(_deal(examples, k), conditions, strict=True))

    def unpacked(self, batch) -> tuple:
        """Unpacks a batch into (examples, condition), checked while tracing; the condition may be None."""
        examples, condition, _ = keras.utils.unpack_x_y_sample_weight(batch)
        checks.check_batch(self, examples, condition)
        examples = tf.cast(normalised(tf.convert_to_tensor(examples)), keras.backend.floatx())
        if self.data_condition is None:
            return examples, None
        condition = as_condition(tf.convert_to_tensor(condition))
        return examples, condition if self.data_condition.is_class else tf.cast(condition, keras.backend.floatx())

    def normal(self, draws: int, rows, shape: tuple[int, ...], step=None) -> list[tf.Tensor]:
        """Standard normal numbers (rows, *shape), drawn `draws` times: a function of (seed, step)."""
        return _draw_for_batch(tf.random.stateless_normal, self._seed_of(step), draws, rows, shape)

    def uniform(self, draws: int, rows, step=None, stream: int = 1) -> list[tf.Tensor]:
        """Numbers from 0 to 1, drawn `draws` times, one for each of `rows` examples: a function of (seed, step).

        Those of another `stream`, a number from 1, are independent of these. So is the noise, whose stream is 0.
        """
        seed = tf.random.experimental.stateless_fold_in(self._seed_of(step), stream)
        return _draw_for_batch(tf.random.stateless_uniform, seed, draws, rows, ())

    def descend(self, network: keras.Model, loss: tf.Tensor, tape: tf.GradientTape, when=None) -> None:
        """One optimizer step of a player on a loss, which is a mean over this replica's examples.

        Optimizers sum gradients over replicas, so each replica's gradient is divided by their number; a loss scale is
        applied in the same way. If `when`, a boolean tensor, is false, the player and its optimizer stay unchanged.
        """
        self.check_compiled()
        [optimizer] = [player.optimizer for player in self.players.values() if player.network is network]
        share = tf.ones_like(loss) / replicas.count()
        variables = network.trainable_variables
        gradients = tape.gradient(loss, variables, output_gradients=optimizer.scale_loss(share))
        state = [] if when is None else [*variables, *optimizer.variables]
        before = [tf.identity(variable) for variable in state]
        optimizer.apply(replicas.clip_globally(gradients, optimizer), variables)
        for variable, value in zip(state, before, strict=True):
            variable.assign(tf.where(when, variable, value))

    def finish_step(self, **logged) -> dict:
        """Increments the step, and returns the means of the logged figures over the epoch."""
        self.step.assign_add(1)
        return self.tracked(logged)

    def tracked(self, logged: dict, weight=None) -> dict:
        """Adds figures to their means over the epoch, and returns the means."""
        for name, value in logged.items():
            self._trackers[name].update_state(value, sample_weight=weight)
        return replicas.logs_for_workers({name: self._trackers[name].result() for name in logged})

    def test_step(self, batch):
        """Computes the figures of `evaluate` for one batch."""
        raise InputError(
            f"Expected a model that can be evaluated. Received: a {type(self).__name__}, which has no test_step. "
            "Write one, or leave evaluate and validation_data out."
        )

    def to_evaluate(self, batch) -> tuple:
        """Unpacks a batch to evaluate into (examples, condition, number), without an incomplete pack at its end.

        The number, which weighs the figures of the batch, is 0 for an empty batch, of which the examples are zeros.
        """
        examples, condition = self.unpacked(batch)
        size = tf.shape(examples)[0] // self.packing * self.packing
        given = (None if values is None else _at_least(self.packing, values[:size]) for values in (examples, condition))
        return *given, size

    def evaluation_step(self) -> tf.Tensor:
        """A step for the random numbers of an evaluated batch, which training never uses: -1, -2, ...

        No property: saving looks at all of them, in one worker, and figures are summed over workers when they are read.
        """
        return -1 - tf.cast(self.metrics[0].count, self.step.dtype)

    def _seed_of(self, step) -> tf.Tensor:
        step = tf.convert_to_tensor(self.step if step is None else step)
        return tf.stack([tf.cast(self.seed, step.dtype), step])

    def _repr_html_(self) -> str:
        """The players in brief, as notebooks show them."""
        rows = [
            (name, f"{player.network.count_params():,}", "" if player.optimizer is None else player.optimizer.name)
            for name, player in self.players.items()
        ]
        examples = f"{type(self).__name__}, examples of shape {self.example_shape}, {self.steps_done:,} steps done"
        return f"<p>{examples}</p>{table(rows, ('player', 'parameters', 'optimizer'))}"

    # ------------------------------------------------------------------------------------------------------------- fit

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **keras_arguments):
        """Trains like `keras.Model.fit`, on arrays, a `data.Dataset`, or batches from a source that Keras takes.

        Arrays and `data.Dataset`s are cut into full batches whose order is a function of the seed and the step. Unless
        `shuffle=False`, each epoch leaves out other examples if they do not fill a batch. Validation figures are those
        of `evaluate`. With `callbacks.Snapshots`, an interrupted `fit` is resumed where it stopped.

        Args:
            x: uint8 images, or float examples (images in [-1, 1]); or a source of batches (examples,) or (examples, y),
                such as a `tf.data.Dataset`, a generator or a `PyDataset`, which is shuffled by the seed and the epoch.
            y: The conditions, which only conditional networks use: integer labels (n,), vectors (n, d), or pictures
                (n, height, width, channels) in uint8 or in [-1, 1]; for models that take texts, n captions.
            batch_size: Examples per step, divisible by the discriminator's steps; by default 64 for each of them, or
                what the paper of the model has.
            epochs: As in `keras.Model.fit`.
            verbose: As in `keras.Model.fit`.
            callbacks: Callbacks of Keras, except for the few that need a single optimizer, and of `callbacks`.
            **keras_arguments: Further arguments of `keras.Model.fit`, such as `steps_per_epoch` and `validation_data`.

        Returns:
            A `keras.callbacks.History`, which includes the epochs before an interruption.

        Raises:
            InputError: If the data do not fit the networks or the batch size, or a callback is not supported.
            NotFiniteError: By `callbacks.NaNGuard` or `callbacks.Snapshots`, if a number is no longer finite.
        """
        arguments = {**keras_arguments, "epochs": epochs, "verbose": verbose}
        return fitting.fit(self, super().fit, x, y, batch_size, callbacks, arguments)

    def evaluate(self, x=None, y=None, batch_size=None, **keras_arguments):
        """The losses over all examples, with networks in inference mode. Takes the same data as `fit`."""
        return fitting.evaluate(self, super().evaluate, x, y, batch_size, keras_arguments)

    def train_on_batch(self, x, y=None, **arguments):
        """As in `keras.Model`; a model from pictures to pictures takes sources and targets."""
        batch = fitting.checked_batch(self, "train_on_batch()", x, y, arguments, trains=True)
        return super().train_on_batch(*batch, **arguments)

    def test_on_batch(self, x, y=None, **arguments):
        """As `train_on_batch`, without training."""
        return super().test_on_batch(*fitting.checked_batch(self, "test_on_batch()", x, y, arguments), **arguments)

    def predict(self, *arguments, **keywords):
        """As in `keras.Model`, step by step."""
        with execution.counted_singly(self):
            return super().predict(*arguments, **keywords)

    def check_dataset(self, dataset: data.Dataset, batch_size: int | None = None) -> None:
        """Raises an `InputError` if this model cannot take these data or, with `batch_size`, not train on them."""
        checks.check_dataset(self, dataset, batch_size)

    def make_train_function(self, force=False):
        """A function around Keras' for several replicas, and around ours, which can run several steps, for one."""
        check_not_forked()
        self.check_compiled()
        self.check_complete()
        is_guarded = bool(self.session and self.session.is_guarded)
        is_stale = self.session is not None and getattr(self.train_function, "is_guarded", None) != is_guarded
        if self.train_function is None or force or is_stale:
            if self.distribute_strategy.num_replicas_in_sync > 1:
                super().make_train_function(force=True)
                omit_tracing_warnings(self.train_function)
                one, several = self.train_function, None
            else:
                one, several = execution.steps_functions(self, is_guarded)
            self.train_function = execution.TrainFunction(self, one, several, is_guarded)
        return self.train_function

    def make_test_function(self, force=False):
        check_not_forked()
        self.check_compiled()
        self.check_complete()
        super().make_test_function(force)
        omit_tracing_warnings(self.test_function)
        return self.test_function

    def make_predict_function(self, force=False):
        check_not_forked()
        super().make_predict_function(force)
        omit_tracing_warnings(self.predict_function)
        return self.predict_function

    def retrace(self) -> None:
        """Discards the compiled steps, so that they are traced again after a change."""
        self.train_function = self.test_function = None

    @property
    def metrics(self):
        return list(self._trackers.values())

    def loss_total(self, name: str):
        """The sum of a logged figure over the steps of the epoch. It is not finite if any of them was not."""
        return self._trackers[name].total

    @property
    def steps_done(self) -> int:
        """Number of finished training steps."""
        return int(keras.ops.convert_to_numpy(self.step))

    # -------------------------------------------------------------------------------------------------------- saving

    def save(self, filepath, overwrite=True, zipped=None, **keras_arguments):
        """As in `keras.Model`: everything in a `.keras` file, which appears under its name when it is complete.

        Raises:
            InputError: If the path does not end in `.keras` or its folder does not exist, if there is a file that must
                not be replaced (Keras would ask), or a layer cannot be described. An earlier file is untouched.
        """
        with saving.place(filepath, saving.MODEL, overwrite, folder=zipped is False) as beside:
            super().save(beside, zipped=zipped, **keras_arguments)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """As in `keras.Model`: only the weights, in a `.weights.h5` file, which appears when it is complete."""
        if max_shard_size is not None:  # several files, beside one with their names
            super().save_weights(filepath, overwrite, max_shard_size)
            return
        with saving.place(filepath, saving.WEIGHTS, overwrite) as beside:
            super().save_weights(beside)

    def get_config(self):
        players = {name: saving.described(name, player.network) for name, player in self.players.items()}
        return {"name": self.name, "players": players, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        check_not_forked()
        players = {name: keras.saving.deserialize_keras_object(network) for name, network in config["players"].items()}
        return cls(**{**config, "players": players})

    def get_compile_config(self):
        if not self.compiled:
            return None
        optimizers = {f"{name}_optimizer": player.optimizer for name, player in self.players.items()}
        return {
            **{name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in optimizers.items()},
            **self._compile_arguments,
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        """Saves the step, and the states of random layers such as Dropout, which Keras leaves out."""
        super().save_own_variables(store)
        for number, state in enumerate(random_states(self)):
            store[f"random_state_{number}"] = keras.ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        self.step.assign(store["0"])
        for number, state in enumerate(random_states(self)):
            state.assign(store[f"random_state_{number}"])


def _deal(values, k: int) -> list[tf.Tensor]:
    """Deals a batch out like cards, so that replicas with a part of the batch each have a part of every minibatch."""
    return tf.unstack(tf.reshape(values, (-1, k, *values.shape[1:])), axis=1)


def _draw_for_batch(draw, seed, draws: int, rows, shape: tuple) -> list[tf.Tensor]:
    """Draws numbers for the global batch and returns this replica's; the result does not depend on their number."""
    dtype = keras.backend.floatx()
    values = replicas.draw_for_replica(rows, lambda rows: draw((draws, rows, *shape), seed, dtype=dtype), axis=1)
    return tf.unstack(values)


def _at_least(rows: int, values) -> tf.Tensor:
    """Replaces an empty batch, which layers cannot process, by zeros. The last batch may be empty on a replica."""
    missing = tf.where(tf.shape(values)[0] == 0, rows, 0)
    return tf.concat([values, tf.zeros((missing, *values.shape[1:]), values.dtype)], axis=0)
