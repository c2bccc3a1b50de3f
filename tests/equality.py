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
from keras_gan_zoo.core import registry, signatures

PAIRS = [  # architectures with a discriminator, which takes packs
    name for name, row in registry.ARCHITECTURES.items() if "packing" in signatures.arguments(row.home)
]
STEPS, BATCH, CLASSES = 20, 24, 3
VECTORS = np.random.default_rng(2).normal(0, 512**-0.5, (CLASSES, 512)).astype(np.float32)  # as long as those of texts

PICTURES = np.random.default_rng(3).uniform(-1, 1, (CLASSES, 8, 8, 1)).astype(np.float32)

FEW = {"generator_units": 8, "pieces": 2, "depth": 1, "receptive_field": 16, "scale": 2}  # 4 of all else
# Down to one place, without normalisation; and as few blocks as show all.
DEEP = {
    "unet": {"depth": 3},
    "r3gan": {"residual_blocks": 1, "expansion": 2},
    "srresnet": {"residual_blocks": 1, "width": 2},
    "biggan": {"width": 1},  # a quarter of the channels
    # To normalise over the few places of its smallest maps multiplies rounding errors, step by step.
    "cycle_gan": {"residual_blocks": 1, "width": 2, "normalization": "none"},
}


def tiny_networks(architecture: str) -> dict[str, int | str]:
    """The arguments that make a pair of networks tiny: those of its own that are whole numbers."""
    taken = signatures.arguments(registry.ARCHITECTURES[architecture].home)
    common = ("latent_dim", "num_classes", "packing", "seed")
    common += ("attention",)  # which is a side, and none that tiny maps have
    few = {name: FEW.get(name, 4) for name, it in taken.items() if it.kind == "int" and name not in common}
    return {**few, **DEEP.get(architecture, {})}


def classes_of(architecture: str) -> int | None:
    """The number of classes to build networks with; None if they take texts or pictures instead, or only noise."""
    if architecture in kgz.networks.BETWEEN_PICTURES or architecture in kgz.networks.OF_PARTS:
        return None
    return None if "text_dim" in signatures.arguments(registry.ARCHITECTURES[architecture].home) else CLASSES


def tiny_arguments(variant: type) -> dict[str, int | str]:
    """The arguments that make a variant tiny: small networks of its paper, and few critic steps or first steps."""
    defaults = variant.default_arguments((8, 8, 1))
    steps = defaults.get("discriminator_steps", 1)
    networks = tiny_networks(variant.paper_networks((8, 8, 1))["architecture"])
    networks.pop("text_dim", None)  # which the encoder decides
    networks |= {"pretrain_steps": 1} if defaults.get("pretrain_steps") else {}
    if defaults.get("content_weight", 0) > 1:  # with which these steps are so large that they multiply rounding errors
        networks["content_weight"] = 1
    few = 1 if issubclass(variant, kgz.GAN) else 2  # SNGAN's step is GAN's, whose k is tested with smaller networks
    return networks if steps == 1 else {**networks, "discriminator_steps": few}


def takes_classes(variant: type) -> bool:
    return not (variant.takes_texts or variant.takes_pictures or variant.parts)


TINY = {name: tiny_arguments(variant) for name, variant in kgz.VARIANTS.items()}
KINDS = {
    f"{variant}, {'conditional' if conditional else 'unconditional'}": (variant, conditional)
    for variant in TINY
    for conditional in (False, True)
    if (takes_classes(kgz.VARIANTS[variant]) if conditional else not kgz.VARIANTS[variant].needs_labels)
}

# Those that train by the step of another variant, with other arguments.
OF_OTHERS = ("srgan", "context_encoder", "sngan", "r3gan", "biggan")

# What labels change does not depend on where replicas are: workers train one kind of each variant with its own step.
OF_WORKERS = [
    (variant, conditional)
    for variant, conditional in KINDS.values()
    if conditional == kgz.VARIANTS[variant].needs_labels and variant not in OF_OTHERS
]


def conditions_of(variant: type, labels: np.ndarray, conditional: bool = True) -> np.ndarray | None:
    """What a variant takes with examples of these classes: the classes, vectors or pictures for them, or nothing."""
    if variant.takes_texts:
        return VECTORS[labels]
    if variant.takes_pictures:
        return (PICTURES[:, ::2, ::2] if issubclass(variant, kgz.SRGAN) else PICTURES)[labels]
    return labels if conditional else None


def given(variant: type, examples, conditions) -> tuple:
    """Examples and conditions as a variant's users give them."""
    if conditions is None:
        return (examples,)
    return (conditions, examples) if variant.condition_comes_first else (examples, conditions)


def sampled(gan, n: int) -> dict:
    """What `sample` takes for n examples of classes 0, 1, 2, 0, ...: classes are the default."""
    conditions = conditions_of(type(gan), np.arange(n) % CLASSES, conditional=False)
    return {} if conditions is None else {"conditions": conditions}


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
        gan.compile(*optimizers()[: len(gan.players)])
        for weight in gan.trainable_variables:  # large enough to matter
            weight.assign(np.random.default_rng(1).normal(0, 0.2, weight.shape))
    before = [weight.numpy() for weight in gan.weights]
    conditions = conditions_of(type(gan), labels, gan.conditional)
    history = gan.fit(*given(type(gan), images, conditions), batch_size=BATCH, epochs=STEPS // 5, verbose=0)
    return gan, before, history.history


def main():
    strategy = kgz.distribution.strategy("multi_worker")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    worker = strategy.cluster_resolver.task_id
    for number, kind in enumerate(OF_WORKERS):
        gan, _, _ = trained(strategy, lambda kind=kind: build(*kind))
        np.savez(f"{sys.argv[1]}/{number}_of_worker_{worker}.npz", *[weight.numpy() for weight in gan.weights])
    kgz.distribution.check_agreement(strategy, "end", 0)


if __name__ == "__main__":
    main()
