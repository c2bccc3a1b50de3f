"""What the benchmarks train: networks, algorithm, optimizers and batch sizes, in plain values that every side reads.

Nothing here imports TensorFlow or PyTorch, so that a process of either has only its own in memory.
"""

from dataclasses import dataclass, field

import numpy as np

import keras_gan_zoo as kgz

CRITIC_STEPS = 5
ADAM = ("Adam", {"learning_rate": 2e-4, "beta_1": 0.5})
RMSPROP = ("RMSprop", {"learning_rate": 5e-5})
ADAM_OF_WGAN_GP = ("Adam", {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9})


@dataclass(frozen=True)
class Case:
    """One model in training.

    Args:
        name: As the tables print it.
        algorithm: "alternating" and "simultaneous" are those of `GAN`; "wgan" and "wgan_gp" take five critic steps.
        shape: Of one example.
        networks: "dcgan" or "maxout", the pair of `kgz.networks` and its twin in `pytorch`.
        arguments: Of the pair.
        batch_size: Of `fit`: five minibatches for the Wasserstein GANs.
        optimizer: Its name, the same in Keras and PyTorch, and its arguments as Keras calls them; for both players.
        fit_steps: If given, calls of `fit` of so many steps are compared, with all that they cost besides the steps.
    """

    name: str
    algorithm: str
    shape: tuple[int, ...]
    networks: str
    batch_size: int
    arguments: dict = field(default_factory=dict)
    optimizer: tuple[str, dict] = ADAM
    fit_steps: int | None = None

    @property
    def minibatches(self) -> int:
        return CRITIC_STEPS if self.algorithm in ("wgan", "wgan_gp") else 1

    def examples(self, n: int = 6000) -> np.ndarray:
        """uint8 images of noise, whose arithmetic is that of any others; vectors are points of `ring8`."""
        if len(self.shape) == 1:
            return kgz.data.load("ring8").examples
        return np.random.default_rng(0).integers(0, 256, (n, *self.shape), dtype=np.uint8)


VECTORS = {"latent_dim": 2, "generator_units": 128, "discriminator_units": 64, "pieces": 2}
CRITIC = {"discriminator_normalization": "none"}

RING = Case("MLP on ring8, batch 256, by fit", "alternating", (2,), "maxout", 256, VECTORS, fit_steps=500)
MLP = Case("MLP 28x28, batch 100", "alternating", (28, 28, 1), "maxout", 100)
DCGAN_28 = Case("DCGAN 28x28, batch 64", "alternating", (28, 28, 1), "dcgan", 64)
DCGAN_32 = Case("DCGAN 32x32x3, batch 64", "alternating", (32, 32, 3), "dcgan", 64)
WIDE = Case("DCGAN 28x28 of width 64, batch 64", "alternating", (28, 28, 1), "dcgan", 64, {"width": 64})
SIMULTANEOUS = Case("the same, simultaneous updates", "simultaneous", (28, 28, 1), "dcgan", 64, {"width": 64})
WGAN = Case("WGAN 28x28, batch 5 x 64", "wgan", (28, 28, 1), "dcgan", 320, CRITIC, RMSPROP)
WGAN_GP = Case("WGAN-GP 28x28, batch 5 x 64", "wgan_gp", (28, 28, 1), "dcgan", 320, CRITIC, ADAM_OF_WGAN_GP)

CASES = (RING, MLP, DCGAN_28, DCGAN_32, WIDE, SIMULTANEOUS, WGAN, WGAN_GP)
