"""Generators and discriminators as functional Keras models, built in pairs.

A pair shares its conventions: the generator takes noise (batch, latent_dim) and returns examples (batch, *shape),
images with channels last in [-1, 1]; the discriminator takes examples and returns raw scores (batch, 1). With
`num_classes` both take integer labels (batch,) as a second input. With `packing` m the discriminator takes m examples
at once, joined along the last axis, and their labels (batch, m). Output layers stay in float32 under mixed precision.

`seed` fixes the initial weights and the dropout masks, whatever else the process has drawn.
"""

from keras_gan_zoo.core import registry
from keras_gan_zoo.networks.convolutional import conditional_dcgan_pair, dcgan_pair
from keras_gan_zoo.networks.layers import ConditioningAugmentation, Dropout, Maxout
from keras_gan_zoo.networks.maxout import conditional_maxout_pair, maxout_pair
from keras_gan_zoo.networks.parts import spectrally_normalized
from keras_gan_zoo.networks.perceptrons import elu_pair, mlp_pair
from keras_gan_zoo.networks.stacked import stackgan_pair
from keras_gan_zoo.networks.text import text_dcgan_pair

__all__ = [
    "ARCHITECTURES",
    "ConditioningAugmentation",
    "Dropout",
    "Maxout",
    "conditional_dcgan_pair",
    "conditional_maxout_pair",
    "dcgan_pair",
    "elu_pair",
    "maxout_pair",
    "mlp_pair",
    "spectrally_normalized",
    "stackgan_pair",
    "text_dcgan_pair",
]

# Pairs by the names that `for_images(architecture=...)`, recipes and the command line use.
ARCHITECTURES = registry.load_all(registry.ARCHITECTURES)
