"""Keras callbacks for training GANs: logs, pictures, metrics, stopping, snapshots, and a guard against NaN."""

from keras_gan_zoo.callbacks.journal import Journal
from keras_gan_zoo.callbacks.keras_callbacks import check_callback
from keras_gan_zoo.callbacks.logs import Log, Progress
from keras_gan_zoo.callbacks.metrics import Metrics
from keras_gan_zoo.callbacks.nan_guard import NaNGuard
from keras_gan_zoo.callbacks.pace import TimeLeft
from keras_gan_zoo.callbacks.pictures import SamplePictures
from keras_gan_zoo.callbacks.snapshots import Snapshots
from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.callbacks.stopping import CollapseAlarm, Stopping

SEES_DATA = (
    CollapseAlarm,
    Metrics,
    SamplePictures,
)  # `fit` calls their `begin` with the data, or None if it has no access to them

__all__ = [
    "SEES_DATA",
    "CollapseAlarm",
    "Journal",
    "Log",
    "Metrics",
    "NaNGuard",
    "Progress",
    "SamplePictures",
    "Snapshots",
    "Stateful",
    "Stopping",
    "TimeLeft",
    "check_callback",
]
