"""What networks for 28x28 cost: parameters, multiplications with additions per image, trained images a second."""

import keras
import numpy as np
from keras import layers

import keras_gan_zoo as kgz
from tests.benchmarks.arithmetic import macs
from tests.benchmarks.cases import DCGAN_28
from tests.benchmarks.measuring import CLOCK, in_turn
from tests.benchmarks.ours import turn


def tutorial_pair():
    """The networks of the well-known TensorFlow tutorial for 28x28: 5x5 kernels, 7x7x256 -> 128 -> 64."""
    generator = keras.Sequential([keras.Input((100,)), layers.Dense(7 * 7 * 256, use_bias=False)])
    for layer in (layers.BatchNormalization(), layers.LeakyReLU(0.3), layers.Reshape((7, 7, 256))):
        generator.add(layer)
    for channels, strides in ((128, 1), (64, 2)):
        generator.add(layers.Conv2DTranspose(channels, 5, strides, padding="same", use_bias=False))
        generator.add(layers.BatchNormalization())
        generator.add(layers.LeakyReLU(0.3))
    generator.add(layers.Conv2DTranspose(1, 5, 2, padding="same", use_bias=False, activation="tanh"))
    discriminator = keras.Sequential([keras.Input((28, 28, 1))])
    for channels in (64, 128):
        discriminator.add(layers.Conv2D(channels, 5, 2, padding="same"))
        discriminator.add(layers.LeakyReLU(0.3))
        discriminator.add(layers.Dropout(0.3))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator


def table(rounds: int) -> None:
    pairs = {
        "dcgan_pair (default)": kgz.networks.dcgan_pair((28, 28, 1)),
        "dcgan_pair, width 64": kgz.networks.dcgan_pair((28, 28, 1), width=64),
        "tutorial, 5x5 kernels": tutorial_pair(),
    }
    examples = DCGAN_28.examples()
    times = in_turn({name: turn(DCGAN_28, pair, examples) for name, pair in pairs.items()}, rounds)
    print(f"{'networks for 28x28':<28} {'parameters':>22} {'million MACs/image':>22} {'trained images/s':>18}")
    for name, (generator, discriminator) in pairs.items():
        rate = DCGAN_28.batch_size / np.median(times[name][:, CLOCK])
        parameters = f"{generator.count_params():,} + {discriminator.count_params():,}"
        cost = f"{macs(generator) / 1e6:.1f} + {macs(discriminator) / 1e6:.1f}"
        print(f"{name:<28} {parameters:>22} {cost:>22} {rate:>18,.0f}", flush=True)
