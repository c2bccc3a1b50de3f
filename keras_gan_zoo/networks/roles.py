"""The roles of a network's inputs: noise or examples first, the condition second; one of them may be missing."""

import keras


def noise_and_condition(generator: keras.Model, discriminator: keras.Model) -> tuple:
    """The inputs of a generator for the noise and for the condition; None for one that is missing.

    Of two inputs, the first is the noise. A single input is the condition if it is named `condition` or `labels`. It is
    also the condition if it is not named `noise` and has the form of the discriminator's second input, as in
    image-to-image translation.
    """
    if len(generator.inputs) == 2:
        return tuple(generator.inputs)
    [only] = generator.inputs
    is_condition = only.name in ("condition", "labels") or (
        only.name != "noise" and len(discriminator.inputs) == 2 and _form(only) == _form(discriminator.inputs[1])
    )
    return (None, only) if is_condition else (only, None)


def inputs(first, condition):
    """The argument to call a network with: a list of both parts, or the only part that is not None."""
    given = [part for part in (first, condition) if part is not None]
    return given if len(given) > 1 else given[0]


def _form(tensor) -> tuple:
    return tuple(tensor.shape), tensor.dtype
