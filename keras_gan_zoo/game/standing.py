"""Standing statistics: those of batch normalisation, computed from batches of samples instead of training."""

import keras

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks.copies import rebuilt


class _ByBatch(keras.layers.BatchNormalization):
    """Batch normalisation that always normalises by the batch, and updates its statistics."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def set_statistics(network: keras.Model, batches: list) -> None:
    """Sets the statistics of batch normalisation to their means over batches of inputs.

    Everything else is computed as in inference, by a copy: a training pass would also move the kernels that are
    normalised spectrally, and an averaged generator is frozen.
    """
    layers = _normalizations(network)
    copy = keras.models.clone_model(network, clone_function=_by_batch, recursive=True)
    copies = _normalizations(copy)
    if not layers or not all(isinstance(layer, _ByBatch) for layer in copies):
        raise InputError(
            f"Expected a generator with layers of batch normalisation. Received: {network.name}, which has "
            f"{'some within layers of another kind' if layers else 'none'}. Sample without standing statistics."
        )
    copy.set_weights(network.get_weights())
    for number, given in enumerate(batches):
        for layer in copies:
            layer.momentum = number / (number + 1)  # with which moving averages are the means of all batches so far
        copy(given, training=False)
    for layer, of_batches in zip(layers, copies, strict=True):
        layer.moving_mean.assign(of_batches.moving_mean)
        layer.moving_variance.assign(of_batches.moving_variance)


def _normalizations(network: keras.Model) -> list:
    return [layer for layer in all_layers(network) if isinstance(layer, keras.layers.BatchNormalization)]


def _by_batch(layer: keras.Layer) -> keras.Layer:
    if not isinstance(layer, keras.layers.BatchNormalization):
        return rebuilt(layer)
    return _ByBatch.from_config({**layer.get_config(), "trainable": True, "synchronized": False})
