"""Generators and discriminators as functional Keras models, built in pairs.

A pair shares its conventions: the generator takes noise (batch, latent_dim) and returns examples (batch, *shape),
images with channels last in [-1, 1]; the discriminator takes examples and returns raw scores (batch, 1). With
`num_classes` both take integer labels (batch,) as a second input. With `packing` m the discriminator takes m examples
at once, joined along the last axis, and their labels (batch, m). Output layers stay in float32 under mixed precision.

Pairs between pictures are without noise and labels: the generator takes pictures as its condition. Their discriminators
may take them too, and return a score or a map of scores.

`seed` fixes the initial weights and the dropout masks, whatever else the process has drawn.
"""

from keras_gan_zoo.core import registry
from keras_gan_zoo.networks.bigan import bigan_mlp_pair, bigan_pair
from keras_gan_zoo.networks.biggan import biggan_pair
from keras_gan_zoo.networks.context_encoder import context_encoder_pair
from keras_gan_zoo.networks.convolutional import conditional_dcgan_pair, dcgan_pair
from keras_gan_zoo.networks.layers import (
    Basis,
    BilinearUpSampling2D,
    Blur2D,
    ConditioningAugmentation,
    Dropout,
    Gain,
    GroupedConv2D,
    Maxout,
    ReflectionPadding2D,
)
from keras_gan_zoo.networks.maxout import conditional_maxout_pair, maxout_pair
from keras_gan_zoo.networks.parts import joined, spectrally_normalized
from keras_gan_zoo.networks.perceptrons import elu_pair, mlp_pair
from keras_gan_zoo.networks.r3gan import r3gan_pair
from keras_gan_zoo.networks.residual import cycle_gan_pair
from keras_gan_zoo.networks.resnet import resnet_pair
from keras_gan_zoo.networks.spade import spade_pair
from keras_gan_zoo.networks.stacked import stackgan_pair
from keras_gan_zoo.networks.super_resolution import srresnet_pair
from keras_gan_zoo.networks.text import text_dcgan_pair
from keras_gan_zoo.networks.unet import unet_pair
from keras_gan_zoo.networks.vae import vae_mlp_networks, vae_networks

__all__ = [
    "ARCHITECTURES",
    "Basis",
    "BilinearUpSampling2D",
    "Blur2D",
    "ConditioningAugmentation",
    "Dropout",
    "Gain",
    "GroupedConv2D",
    "Maxout",
    "ReflectionPadding2D",
    "bigan_mlp_pair",
    "bigan_pair",
    "biggan_pair",
    "conditional_dcgan_pair",
    "conditional_maxout_pair",
    "context_encoder_pair",
    "cycle_gan_pair",
    "dcgan_pair",
    "elu_pair",
    "joined",
    "maxout_pair",
    "mlp_pair",
    "r3gan_pair",
    "resnet_pair",
    "spade_pair",
    "spectrally_normalized",
    "srresnet_pair",
    "stackgan_pair",
    "text_dcgan_pair",
    "unet_pair",
    "vae_mlp_networks",
    "vae_networks",
]

# Pairs by the names that `for_images(architecture=...)`, recipes and the command line use.
ARCHITECTURES = registry.load_all(registry.ARCHITECTURES)
BETWEEN_PICTURES = (
    "unet",
    "spade",
    "srresnet",
    "context_encoder",
    "cycle_gan",
)  # those whose generators take pictures, and no noise
# Those whose first players are of several networks, see `joined`, and the names of these.
OF_PARTS = {
    "cycle_gan": ("forward", "backward"),
    **dict.fromkeys(("bigan", "bigan_mlp"), ("generator", "encoder")),
    **dict.fromkeys(("vae", "vae_mlp"), ("encoder", "decoder")),
}
