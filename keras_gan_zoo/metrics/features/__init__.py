"""What sees pictures: the shipped classifiers, the Inception network, any Keras model or function."""

from keras_gan_zoo.metrics.features.extractors import Extractor, batched, default_extractor, extractor, shipped, softmax

__all__ = ["Extractor", "batched", "default_extractor", "extractor", "shipped", "softmax"]
