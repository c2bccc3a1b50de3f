"""What one replica and several must train alike; as a program, one worker of several that trains all of it.

TF_CONFIG=... python -m tests.equality FOLDER
"""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz

STEPS, BATCH, CLASSES = 20, 24, 3

# A new variant adds a row: the arguments that make its networks tiny.
TINY = {
    "gan": {"generator_units": 8, "discriminator_units": 4, "pieces": 2},
    "dcgan": {"width": 4},
    "conditional_gan": {"generator_units": 12, "discriminator_units": 4, "pieces": 2},
    "wgan": {"width": 4, "discriminator_steps": 2},
    "wgan_gp": {"width": 4, "discriminator_steps": 1},
    "fgan": {"generator_units": 8, "discriminator_units": 4},
}
KINDS = {
    f"{variant}, {'conditional' if conditional else 'unconditional'}": (variant, conditional)
    for variant in TINY
    for conditional in (False, True)
    if conditional or not kgz.VARIANTS[variant].needs_labels
}


def build(variant: str, conditional: bool = False, **arguments) -> keras.Model:
    arguments = {"latent_dim": 4, "seed": 0, "num_classes": CLASSES if conditional else None, **arguments}
    return kgz.VARIANTS[variant].for_images((8, 8, 1), **{**TINY[variant], **arguments})


def sgd() -> tuple:
    return keras.optimizers.SGD(0.05, momentum=0.5), keras.optimizers.SGD(0.05)


def trained(strategy, make: Callable, optimizers: Callable = sgd) -> tuple[keras.Model, list[np.ndarray], dict]:
    """The model after 20 steps on 24 examples each, its weights before, and what was logged; in the present floatx."""
    images = np.random.default_rng(0).uniform(-1, 1, (5 * BATCH, 8, 8, 1))
    labels = np.arange(5 * BATCH) % CLASSES
    with strategy.scope():
        gan = make()
        gan.compile(*optimizers())
        for weight in gan.trainable_variables:  # large enough to matter
            weight.assign(np.random.default_rng(1).normal(0, 0.2, weight.shape))
    before = [weight.numpy() for weight in gan.weights]
    history = gan.fit(images, labels if gan.conditional else None, batch_size=BATCH, epochs=STEPS // 5, verbose=0)
    return gan, before, history.history


def main():
    strategy = kgz.distribution.strategy("multi_worker")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    worker = strategy.cluster_resolver.task_id
    for number, kind in enumerate(KINDS.values()):
        gan, _, _ = trained(strategy, lambda kind=kind: build(*kind))
        np.savez(f"{sys.argv[1]}/{number}_of_worker_{worker}.npz", *[weight.numpy() for weight in gan.weights])
    kgz.distribution.check_agreement(strategy, "end", 0)


if __name__ == "__main__":
    main()
