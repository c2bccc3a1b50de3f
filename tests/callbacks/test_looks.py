"""Which callbacks look at each step, at some steps, or at none."""

import keras
import pytest

from keras_gan_zoo.callbacks import NaNGuard, Progress, SamplePictures, Snapshots, TensorBoard
from keras_gan_zoo.callbacks.looks import looks_at_each_step, steps_to_look

Callbacks = keras.callbacks


def nothing(*_, **__):
    pass


class OldStyle(Callbacks.Callback):
    def on_batch_end(self, batch, logs=None):
        pass


class Declared(OldStyle):
    def steps_to_look(self):
        return 7


class BeyondDeclared(Declared):
    def on_train_batch_begin(self, batch, logs=None):
        pass


class OwnCheckpoint(Callbacks.ModelCheckpoint):
    def on_train_batch_end(self, batch, logs=None):
        pass


class OwnGuard(NaNGuard):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    ("callback", "looks"),
    [
        (Callbacks.LambdaCallback(on_train_batch_begin=nothing), True),
        (Callbacks.LambdaCallback(on_train_batch_end=nothing), True),
        (Callbacks.LambdaCallback(on_epoch_end=nothing, on_test_batch_end=nothing), False),
        (OldStyle(), True),
        (Declared(), False),
        (BeyondDeclared(), True),
        (Callbacks.ModelCheckpoint("a.keras"), False),
        (Callbacks.ModelCheckpoint("a.keras", save_freq=500), True),
        (OwnCheckpoint("a.keras"), True),
        (Callbacks.TensorBoard("logs"), False),
        (Callbacks.TensorBoard("logs", update_freq="batch"), True),
        (Callbacks.TensorBoard("logs", update_freq=5), True),
        (Callbacks.TensorBoard("logs", write_steps_per_second=True), True),
        (Callbacks.CSVLogger("log.csv"), False),
        (Callbacks.EarlyStopping(), False),
        (Callbacks.ProgbarLogger(), False),
        (Callbacks.CallbackList([]), True),
        (Progress(), False),
        (Snapshots("snapshots"), False),
        (SamplePictures("samples", every_steps=5), False),
        (TensorBoard("logs", every_steps=5), False),
        (NaNGuard(), False),
        (OwnGuard(), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Callbacks.Callback) else "",
)
def test_looks_at_each_step(callback, looks):
    assert looks_at_each_step(callback) is looks


def test_a_callback_says_when_it_looks():
    assert steps_to_look(Declared()) == 7
    assert steps_to_look(OldStyle()) is None


def test_tensorboard_that_profiles_counts_batches(monkeypatch):
    monkeypatch.setattr("keras_gan_zoo.callbacks.looks.profiles_batches", lambda callback: True)
    assert looks_at_each_step(Callbacks.TensorBoard("logs"))
