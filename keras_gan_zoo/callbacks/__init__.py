"""Keras callbacks for training GANs: logs, pictures, TensorBoard, metrics, stopping, snapshots, a guard against NaN."""

from keras_gan_zoo.callbacks.drawing import Drawing
from keras_gan_zoo.callbacks.journal import Journal
from keras_gan_zoo.callbacks.keras_callbacks import check_callback
from keras_gan_zoo.callbacks.live import LivePictures
from keras_gan_zoo.callbacks.logs import Log, Progress
from keras_gan_zoo.callbacks.metrics import Metrics
from keras_gan_zoo.callbacks.nan_guard import NaNGuard
from keras_gan_zoo.callbacks.pace import TimeLeft
from keras_gan_zoo.callbacks.pictures import SamplePictures
from keras_gan_zoo.callbacks.snapshots import Snapshots
from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.callbacks.stopping import CollapseAlarm, Stopping
from keras_gan_zoo.callbacks.tensorboard import TensorBoard

SEES_DATA = (CollapseAlarm, Drawing, Metrics)  # `fit` calls their `begin` with the data, None if it has no access

__all__ = [
    "SEES_DATA",
    "CollapseAlarm",
    "Drawing",
    "Journal",
    "LivePictures",
    "Log",
    "Metrics",
    "NaNGuard",
    "Progress",
    "SamplePictures",
    "Snapshots",
    "Stateful",
    "Stopping",
    "TensorBoard",
    "TimeLeft",
    "check_callback",
]
