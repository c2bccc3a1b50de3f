"""Which input of a network takes what: noise or examples first, the condition second; either may be missing."""

import keras


def noise_and_condition(generator: keras.Model, discriminator: keras.Model) -> tuple:
    """The inputs of a generator that take the noise and the condition; None for one that is missing.

    Of two inputs, the first takes the noise. A single one takes the condition if it is called `condition` or `labels`,
    or if it is not called `noise` and is of the form that the discriminator takes second, as in a translator.
    """
    if len(generator.inputs) == 2:
        return tuple(generator.inputs)
    [only] = generator.inputs
    is_condition = only.name in ("condition", "labels") or (
        only.name != "noise" and len(discriminator.inputs) == 2 and _form(only) == _form(discriminator.inputs[1])
    )
    return (None, only) if is_condition else (only, None)


def inputs(first, condition):
    """What a network is called with: the condition comes second; what is None is left out."""
    given = [part for part in (first, condition) if part is not None]
    return given if len(given) > 1 else given[0]


def _form(tensor) -> tuple:
    return tuple(tensor.shape), tensor.dtype
