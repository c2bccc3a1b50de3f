"""The networks of BiGAN: their layers, and where the code joins the example."""

import keras
import numpy as np
import pytest

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError


def layers_of(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_the_perceptrons_are_those_of_the_paper():
    generator, discriminator = networks.bigan_mlp_pair((28, 28, 1), 50, seed=0)
    parts = [generator.get_layer("generator"), generator.get_layer("encoder"), discriminator]
    kernels = [[layer.kernel.shape for layer in layers_of(part, keras.layers.Dense)] for part in parts]
    assert kernels == [
        [(50, 1024), (1024, 1024), (1024, 784)],
        [(784, 1024), (1024, 1024), (1024, 50)],
        [(784, 1024), (1024 + 50, 1024), (1024, 1)],
    ]
    normalisations = [layers_of(part, keras.layers.BatchNormalization) for part in parts]
    assert [len(each) for each in normalisations] == [2, 1, 1]
    assert not [layer for each in normalisations for layer in each if layer.trainable_variables]
    assert [layer.negative_slope for part in parts for layer in layers_of(part, keras.layers.LeakyReLU)] == [0.2] * 4
    spread = [float(np.std(layer.kernel)) for layer in layers_of(discriminator, keras.layers.Dense)[:2]]
    assert spread == pytest.approx([0.02] * 2, rel=0.01)


def test_the_convolutions_are_those_of_dcgan():
    generator, discriminator = networks.bigan_pair((28, 20, 3), 5, width=2, joint_units=7, packing=2)
    of_dcgan, judge_of_dcgan = networks.dcgan_pair((28, 20, 3), 5, width=2)
    ours = [generator.get_layer("generator"), generator.get_layer("encoder")]
    for part, whole in zip(ours, (of_dcgan, judge_of_dcgan), strict=True):
        assert [type(layer) for layer in part.layers] == [type(layer) for layer in whole.layers]
    assert ours[1].output_shape == (None, 5)
    assert discriminator.input_shape == [(None, 28, 20, 6), (None, 10)]
    features = 4 * 3 * 8  # the image, of 4 x 3 places at the end
    joined, score = (layer.kernel.shape for layer in layers_of(discriminator, keras.layers.Dense))
    assert (joined, score) == ((features + 10, 7), (7, 1))


@pytest.mark.parametrize("build", [networks.bigan_pair, networks.bigan_mlp_pair])
def test_labels_are_refused(build):
    with pytest.raises(InputError, match="Expected no classes, because these networks take none"):
        build((8, 8, 1), num_classes=3)
