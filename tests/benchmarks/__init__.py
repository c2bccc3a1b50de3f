"""Benchmarks. The package is imported first, because it imports TensorFlow with oneDNN."""

import keras_gan_zoo  # noqa: F401
