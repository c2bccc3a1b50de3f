"""Everything that changes while a model trains, found without the help of snapshots; and damages of their files."""

import keras
import numpy as np

import keras_gan_zoo as kgz


def small(policy="float32", optimizers=("adam", "adam"), **arguments):
    keras.config.set_dtype_policy(policy)
    try:
        arguments = {"seed": 0, "dropout": 0.3, "ema_decay": 0.9, "latent_dim": 2, "width": 1, **arguments}
        gan = kgz.DCGAN.for_images((8, 8, 1), **arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    gan.compile(*optimizers)
    return gan


def variables_of(gan) -> list:
    """Everything that changes while a model trains, found without the help of snapshots."""
    optimizers = [gan.generator_optimizer, gan.discriminator_optimizer]
    optimizers += [optimizer.inner_optimizer for optimizer in optimizers if hasattr(optimizer, "inner_optimizer")]
    players = [player for player in (gan.generator, gan.discriminator, gan.ema_generator) if player is not None]
    layers = [layer for player in players for layer in player._flatten_layers()]
    draws = [layer.seed_generator.state for layer in layers if hasattr(layer, "seed_generator")]
    own = gan._non_trainable_variables  # the step; pools of pictures
    return [*own, *draws, *(variable for part in (*players, *optimizers) for variable in part.variables)]


def values_of(gan) -> list[np.ndarray]:
    return [np.array(variable) for variable in variables_of(gan)]


def put(gan, values):
    for variable, value in zip(variables_of(gan), values, strict=True):
        variable.assign(value)


def fill(gan, seed):
    """Other values in every variable, so that none can be right by chance."""
    rng = np.random.default_rng(seed)
    for variable in variables_of(gan):
        is_float = "float" in str(variable.dtype)
        variable.assign(rng.normal(size=variable.shape) if is_float else rng.integers(1, 1000, variable.shape))


def flipped(whole, rng):
    at = int(rng.integers(len(whole)))
    return whole[:at] + bytes([whole[at] ^ 1 << int(rng.integers(8))]) + whole[at + 1 :]


def flipped_in_the_first_bytes(whole, rng):
    return flipped(whole[:80], rng) + whole[80:]


def several_flipped(whole, rng):
    for _ in range(int(rng.integers(2, 50))):
        whole = flipped(whole, rng)
    return whole


def missing(place):
    def damaged(whole, rng):
        n = int(rng.choice([1, rng.integers(1, 100), rng.integers(1, len(whole))]))
        at = {"front": 0, "middle": int(rng.integers(1, len(whole) - n + 1)), "end": len(whole) - n}[place]
        return whole[:at] + whole[at + n :]

    return damaged


def extra(place):
    def damaged(whole, rng):
        more = rng.bytes(int(rng.choice([1, rng.integers(1, 100), rng.integers(1, 5000)])))
        at = {"front": 0, "middle": int(rng.integers(1, len(whole))), "end": len(whole)}[place]
        return whole[:at] + more + whole[at:]

    return damaged


def overwritten_with_zeros(whole, rng):
    """As a file system leaves blocks that were never flushed."""
    start = int(rng.integers(len(whole) - 1))
    end = int(rng.integers(start + 1, len(whole)))
    return whole[:start] + bytes(end - start) + whole[end:]


DAMAGES = {
    "flipped": flipped,
    "flipped in the first bytes": flipped_in_the_first_bytes,
    "several flipped": several_flipped,
    "zeros": overwritten_with_zeros,
    **{f"missing at the {place}": missing(place) for place in ("front", "middle", "end")},
    **{f"extra at the {place}": extra(place) for place in ("front", "middle", "end")},
}


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])
