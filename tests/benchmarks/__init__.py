"""Benchmarks. The package is imported first: it imports TensorFlow with oneDNN, here without start-up messages."""

import keras_gan_zoo  # noqa: F401
from keras_gan_zoo.core.imports import around_import, hides_talk, quietly

if hides_talk():
    around_import("tensorflow", quietly)
