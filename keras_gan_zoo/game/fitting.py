"""`fit` and `evaluate` of a model of two players: its data, its callbacks, where it starts and where it goes on."""

import inspect
import warnings

import keras

from keras_gan_zoo import callbacks as ours
from keras_gan_zoo import data
from keras_gan_zoo.core.labels import check_labels
from keras_gan_zoo.data.pipelines import errors_of_pipelines, in_tuples
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_divisible, check_fit_data, check_scope, refuse
from keras_gan_zoo.game.execution import passing_over, steps_function
from keras_gan_zoo.game.session import Session


class Fitting:
    """Adds `fit`, `evaluate` and the functions that they run to a model of two players."""

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **keras_arguments):
        """Trains like `keras.Model.fit`, on arrays, a `data.Dataset` or a `tf.data.Dataset` of batches.

        Arrays and `data.Dataset`s are cut into full batches whose order is a function of the seed and the step: what
        an epoch leaves over, another takes, unless `shuffle=False`. Validation figures are those of `evaluate`. With
        `callbacks.Snapshots`, a `fit` that was interrupted goes on where it was.

        Args:
            x: uint8 images, or float examples (images in [-1, 1]); or a dataset.
            y: Integer labels (n,), needed by conditional networks and ignored by others.
            batch_size: Examples per step, divisible by the discriminator's steps; by default 64 for each of them.
            epochs: As in `keras.Model.fit`.
            verbose: As in `keras.Model.fit`.
            callbacks: Those of Keras, but for the few that need one optimizer, and those of `callbacks`.
            **keras_arguments: Further ones of `keras.Model.fit`, such as `steps_per_epoch` and `validation_data`.

        Returns:
            A `keras.callbacks.History`, which includes the epochs before an interruption.

        Raises:
            InputError: If the data do not fit the networks or the batch size, or a callback cannot work.
            NotFiniteError: By `callbacks.NaNGuard` or `callbacks.Snapshots`, if a number is not finite any more.
        """
        refuse(keras_arguments, "sample_weight", "class_weight", "validation_split")
        check_scope(self._distribute_strategy)
        self.check_discriminator()
        shuffle = keras_arguments.pop("shuffle", True)
        check_fit_data(x, y)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        callbacks = keras.tree.flatten(callbacks or [])
        for callback in callbacks:
            ours.check_callback(callback)
        keras_arguments.update(epochs=epochs, verbose=verbose)
        self._prepare_validation(keras_arguments, batch_size)
        dataset = data.as_dataset(x, y)
        if dataset is None:
            keras_arguments.update(y=y, batch_size=batch_size)
            described = {"source": type(x).__name__}
        else:
            batch_size = data.BATCH_SIZE * self.discriminator_steps if batch_size is None else batch_size
            self.check_dataset(dataset, batch_size)
            if self.class_names is None and len(dataset.class_names or ()) == self.num_classes:
                self.class_names = tuple(dataset.class_names)
            self._warn_of_other_classes(dataset)
            if keras_arguments.get("steps_per_epoch") is None:
                keras_arguments["steps_per_epoch"] = len(dataset) // batch_size
            described = {**dataset.described(), "batch_size": batch_size, "shuffle": shuffle}
        self._epoch_length = described["steps_per_epoch"] = keras_arguments.get("steps_per_epoch")

        def batches():
            if dataset is None:
                return in_tuples(x) if inspect.isgenerator(x) else x
            return dataset.batches(batch_size, self.seed, self.steps_done, self.conditional, shuffle)

        for callback in callbacks:
            if isinstance(callback, (ours.CollapseAlarm, ours.Metrics)):
                callback.set_model(self)
                callback.begin(dataset)
        session = Session(self, callbacks, ours.Journal(self, described, callbacks), reads_over=dataset is None)
        with errors_of_pipelines():
            return session.run(super().fit, batches, keras_arguments)

    def evaluate(self, x=None, y=None, batch_size=None, **keras_arguments):
        """Both losses over all examples, networks in inference mode; nothing is updated. Takes what `fit` takes."""
        refuse(keras_arguments, "sample_weight")
        self.check_discriminator()
        batches = self._batches_in_order(x, y, batch_size=batch_size, steps=keras_arguments.pop("steps", None))
        with errors_of_pipelines():
            return super().evaluate(batches, **keras_arguments)

    def make_train_function(self, force=False):
        """Keras' own for several replicas, ours for one: it ends an execution where the epoch, or the data, end."""
        self.check_discriminator()
        if self.train_function is None or force:
            if self.distribute_strategy.num_replicas_in_sync > 1:
                super().make_train_function(force=True)
            else:
                self.train_function = steps_function(self)
            self.train_function = passing_over(self, self.train_function)
        return self.train_function

    def make_test_function(self, force=False):
        self.check_discriminator()
        return super().make_test_function(force)

    @property
    def steps_in_epoch(self) -> int:
        """Steps of this epoch that are done."""
        return int(self._trackers["d_loss"].count)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Keras' own fails on the batches of several workers; this model is built when it is made."""

    def steps_of_next_execution(self, done: int) -> int:
        """How many steps an execution runs after so many steps of the epoch: no more than the epoch has left."""
        steps = self.steps_per_execution - done % self.steps_per_execution
        return steps if self._epoch_length is None else min(steps, self._epoch_length - done)

    @property
    def steps_done(self) -> int:
        """Training steps so far."""
        return int(keras.ops.convert_to_numpy(self.step))

    def _prepare_validation(self, keras_arguments: dict, batch_size) -> None:
        given = {name: keras_arguments.pop(f"validation_{name}", None) for name in ("data", "batch_size", "steps")}
        if given["data"] is None:
            return
        held_out = given["data"] if isinstance(given["data"], (tuple, list)) else (given["data"],)
        refuse({"sample_weight": tuple(held_out[2:]) or None}, "sample_weight")
        if inspect.isgenerator(held_out[0]):
            raise InputError(
                "Expected validation_data that can be read after each epoch. Received: a generator, which ends. Pass "
                "arrays, or a tf.data.Dataset, such as tf.data.Dataset.from_generator makes."
            )
        keras_arguments["validation_data"] = self._batches_in_order(
            *held_out[:2], batch_size=given["batch_size"] or batch_size, steps=given["steps"]
        )

    def _batches_in_order(self, x, y=None, *, batch_size=None, steps=None):
        dataset = data.as_dataset(x, y)
        if dataset is not None:
            self.check_dataset(dataset)
            x = dataset.batches_in_order(batch_size or data.BATCH_SIZE, self.conditional)
        if inspect.isgenerator(x):
            return in_tuples(x, steps)
        if steps is not None and not hasattr(x, "take"):
            raise InputError(
                f"Expected steps beside arrays or a tf.data.Dataset. Received: a {type(x).__name__}, which is read to "
                "its end. Leave steps out."
            )
        return x if steps is None else x.take(steps)

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

    def _warn_of_other_classes(self, dataset: data.Dataset) -> None:
        names = (self.class_names, dataset.class_names)
        if self.conditional and None not in names and tuple(names[0]) != tuple(names[1]):
            warnings.warn(
                f"The model's classes are named {', '.join(names[0])}; those of the data {', '.join(names[1])}. "
                "They are learned by their numbers, and sampled by the names of the model.",
                stacklevel=3,
            )

    def check_dataset(self, dataset: data.Dataset, batch_size: int | None = None) -> None:
        """Raises an `InputError` if this model cannot take these data, or not train on them in such batches."""
        self._check_examples(dataset.example_shape, dataset.has_labels)
        least = self.packing if batch_size is None else batch_size
        if least < 1 or len(dataset) < least:
            raise InputError(
                f"Expected at least one full batch of {least}. Received: {len(dataset)} examples. "
                "Choose a smaller batch_size, or more data."
            )
        if batch_size is not None:
            replicas = self.distribute_strategy.num_replicas_in_sync
            check_divisible(batch_size, self.discriminator_steps, self.packing, replicas)
        if self.conditional and self.num_classes is not None and dataset.labels is not None:
            check_labels(dataset.labels, self.num_classes)
