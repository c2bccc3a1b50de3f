"""Refuses Keras callbacks that do not work with two players, and names our replacement."""

import keras

from keras_gan_zoo.errors import InputError

_REPLACEMENTS = {
    keras.callbacks.BackupAndRestore: "callbacks.Snapshots(folder), which resumes in the middle of an epoch",
    keras.callbacks.TerminateOnNaN: "callbacks.NaNGuard(), which checks both players",
    keras.callbacks.SwapEMAWeights: "ema_decay=0.999 in the model's constructor",
    keras.callbacks.LearningRateScheduler: "a schedule of keras.optimizers.schedules in each optimizer",
    keras.callbacks.ReduceLROnPlateau: "a schedule of keras.optimizers.schedules in each optimizer, or "
    "callbacks.Stopping",
}


def check_callback(callback: keras.callbacks.Callback) -> None:
    """Raises an `InputError` for a callback that would fail later, or silently do nothing."""
    name = type(callback).__name__
    for kind, ours in _REPLACEMENTS.items():
        if isinstance(callback, kind):
            raise InputError(
                f"Expected callbacks for two players, each with an optimizer. Received: {name}. Use {ours}."
            )
    watches = isinstance(callback, keras.callbacks.EarlyStopping) or getattr(callback, "save_best_only", False)
    if watches and callback.monitor in ("loss", "val_loss"):
        raise InputError(
            f"Expected {name} to monitor a figure that is logged: wasserstein, divergence, a metric, or, if you must, "
            f"d_loss or g_loss, perhaps with val_ before it. Received: {callback.monitor!r}. See callbacks.Stopping."
        )
    if watches and callback.mode == "auto":
        raise InputError(
            f"Expected {name} to be told which way {callback.monitor!r} is better. Received: mode='auto'. "
            "Pass mode='min' or mode='max'."
        )
