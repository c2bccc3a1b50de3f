"""Building blocks of the pairs: inputs, labels, outputs, seeds."""

import itertools
import math
import random
from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks.copies import rebuilt

Shape = tuple[int, ...]
TEXT_DIM = 512  # length of the vectors of the encoders that come with this package
CLASS_VECTORS = "class_vectors"  # in names of layers of generators: rows of an embedding, however they are made
DATA_FORMAT = "channels_last"  # for every layer that takes one: the user's keras.json may say otherwise


def seeds_of(seed: int | None) -> Iterator[int | None]:
    """A different seed for every weight of the pair, or None for each."""
    if seed is None:
        return itertools.repeat(None)
    check_count("seed", seed, low=0)
    draw = random.Random(seed)
    return (draw.getrandbits(31) for _ in itertools.count())


def counts(**sizes: int) -> list[int]:
    """Checks that sizes are whole numbers of at least 1; returns them as Python integers, which Keras needs."""
    for name, size in sizes.items():
        check_count(name, size)
    return [int(size) for size in sizes.values()]


def flat(x):
    return layers.Flatten(data_format=DATA_FORMAT)(x)


def is_image(shape: Shape) -> bool:
    return len(shape) == 3


def full_precision() -> str:
    """The dtype of the variables: float32 under mixed precision, where sums and exponentials would overflow."""
    return keras.config.dtype_policy().variable_dtype


def generator_inputs(latent_dim: int, num_classes: int | None):
    return keras.Input((latent_dim,), name="noise"), _label_input((), num_classes)


def discriminator_inputs(shape: Shape, num_classes: int | None, packing: int):
    """Inputs for examples and labels; m packed examples are one example with m times the channels, and m labels."""
    check_count("packing", packing)
    examples = keras.Input((*shape[:-1], shape[-1] * packing), name="examples")
    return examples, _label_input(() if packing == 1 else (packing,), num_classes)


def _label_input(shape: Shape, num_classes: int | None):
    if num_classes is None:
        return None
    check_count("num_classes", num_classes)
    return keras.Input(shape, dtype="int32", name="labels")


def one_hot(labels, num_classes: int):
    encoded = layers.CategoryEncoding(num_classes, output_mode="one_hot")(labels)
    return encoded if len(encoded.shape) == 2 else flat(encoded)


def with_label(x, labels, num_classes: int | None):
    return x if labels is None else beside(x, one_hot(labels, num_classes))


def beside(x, encoded):
    """Joins an encoded label to features; to feature maps as constant planes."""
    if len(x.shape) == 4:
        encoded = layers.UpSampling2D(x.shape[1:3], data_format=DATA_FORMAT)(layers.Reshape((1, 1, -1))(encoded))
    return layers.Concatenate()([x, encoded])


def check_classes(num_classes: int | None) -> None:
    if not num_classes:
        raise InputError(
            "Expected num_classes, because these networks take labels. Received: none. Pass it (in a recipe: "
            "conditional=True), or choose an architecture that takes no labels."
        )


def check_no_classes(num_classes: int | None) -> None:
    if num_classes is not None:
        raise InputError(f"Expected no classes, because these networks take none. Received: {num_classes}.")


def from_pixels(examples, shape: Shape):
    """Flattens examples, and scales pixels to [0, 1] as the papers on perceptrons do: [-1, 1] diverges."""
    x = flat(examples)
    return layers.Rescaling(0.5, 0.5)(x) if is_image(shape) else x


def dense_examples(x, shape: Shape, kernel_initializer):
    """The generator's last layer: sigmoids for pixels, scaled to [-1, 1]; linear for vectors."""
    x = layers.Reshape(shape)(layers.Dense(math.prod(shape), kernel_initializer=kernel_initializer)(x))
    if not is_image(shape):
        return layers.Activation("linear", dtype=full_precision(), name="examples")(x)
    x = layers.Activation("sigmoid", dtype=full_precision())(x)
    return layers.Rescaling(2, -1, dtype=full_precision(), name="examples")(x)


def dense_scores(x, kernel_initializer):
    return layers.Dense(1, kernel_initializer=kernel_initializer, dtype=full_precision(), name="scores")(x)


def codes(x, size: int, kernel_initializer):
    """An encoder's last layer: the code of an example, or what describes its distribution."""
    return layers.Dense(size, kernel_initializer=kernel_initializer, dtype=full_precision(), name="codes")(x)


def network(first, labels, output, name: str) -> keras.Model:
    return keras.Model(first if labels is None else [first, labels], output, name=name)


def joined(name: str, **networks: keras.Model) -> keras.Model:
    """One network of several, its parts, each from its own input to its own output.

    Args:
        name: Name of the network.
        **networks: The parts, of one input and one output each, by the names that `get_layer` finds them by.

    Example:
        >>> from keras_gan_zoo import networks
        >>> first, second = (keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]) for _ in range(2))
        >>> networks.joined("both", one=first, other=second).output_shape
        [(None, 3), (None, 3)]
    """
    named = [keras.Model(part.inputs[0], part.outputs[0], name=each) for each, part in networks.items()]
    given = [keras.Input(part.inputs[0].shape[1:], name=f"input_of_{part.name}") for part in named]
    return keras.Model(given, [part(images) for part, images in zip(named, given, strict=True)], name=name)


def spectrally_normalized(discriminator: keras.Model, seed: int | None = None) -> keras.Model:
    """A copy of a network whose every kernel has largest singular value 1 (Miyato et al., 2018), by Keras' layer.

    Each training pass divides the kernels by an estimate of that value from one power iteration. A kernel of zeros,
    which cannot be divided, starts at random. A kernel is a matrix with a column for each number along its last axis.
    Vectors of classes in generators stay as they are, as in the released code of BigGAN, and so do weights that are no
    kernels, such as those of an `Embedding`: in a discriminator of your own, multiply one-hot labels by a `Dense` layer
    instead.

    Args:
        discriminator: Functional or sequential Keras model.
        seed: Seed of the initial vectors of the power iterations.

    Returns:
        A new model with the same weights, except kernels of zeros.

    Raises:
        InputError: If it is no such model, a layer with weights cannot be copied, or one is normalised already.

    Example:
        >>> from keras_gan_zoo import networks
        >>> _, discriminator = networks.mlp_pair((2,))
        >>> spectrally_normalized(discriminator).output_shape
        (None, 1)
    """
    if not isinstance(discriminator, keras.Model) or not getattr(discriminator, "inputs", None):
        raise InputError(
            "Expected a functional or sequential Keras model with known inputs. Received: a "
            f"{type(discriminator).__name__}. Build it of layers."
        )
    seeds = seeds_of(seed)

    def wrapped(layer):
        if isinstance(layer, keras.Model):
            return spectrally_normalized(layer, next(seeds))
        if not getattr(layer, "variables", ()):  # such as a sum: nothing that two networks must not share
            return layer
        if isinstance(layer, layers.SpectralNormalization):
            raise InputError(
                f"Expected a network that is not normalised spectrally yet. Received: one with {layer.name!r}. Use it "
                "as it is."
            )
        copy = rebuilt(layer)
        if not hasattr(layer, "kernel") or layer.name.startswith(CLASS_VECTORS):
            return copy
        return layers.SpectralNormalization(copy, name=layer.name, dtype=full_precision())

    copy = keras.models.clone_model(discriminator, clone_function=wrapped)
    for layer, original in zip(copy.layers, discriminator.layers, strict=True):
        if isinstance(layer, keras.Model):
            continue
        if isinstance(layer, layers.SpectralNormalization):
            layer.layer.set_weights(original.get_weights())
            kernel = layer.layer.kernel
            if not np.any(kernel):
                kernel.assign(keras.random.normal(kernel.shape, seed=next(seeds), dtype=kernel.dtype))
            start = keras.random.normal(layer.vector_u.shape, seed=next(seeds), dtype=layer.vector_u.dtype)
            layer.vector_u.assign(start)
        else:
            layer.set_weights(original.get_weights())
    return copy
