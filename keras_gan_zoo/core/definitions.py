"""What a saved model needs besides its file: definitions of classes and functions that are not part of Keras."""

import re

from keras_gan_zoo.errors import REGISTER, InputError

_MISSING = r"Could not (?:locate|deserialize) (?:class|function) '([^']+)'"


def causes_of(error: BaseException) -> list[BaseException]:
    """An error, the one that led to it, and so on."""
    causes = [error]
    while (inner := causes[-1].__cause__ or causes[-1].__context__) is not None and inner not in causes:
        causes.append(inner)
    return causes


def missing_definition(what: object, error: BaseException) -> InputError | None:
    """The error for a saved model that Keras could not rebuild, if that is for want of a definition; otherwise None.

    Keras puts its errors into each other, with the whole configuration in each; the first of them has the cause.
    """
    text = "\n".join(map(str, causes_of(error)))
    if named := re.search(_MISSING, text):
        return InputError(
            f"Expected the definition of {named[1]!r}, which {what} was saved with. Received: none of that name. "
            f"{REGISTER}"
        )
    if "`Lambda` layer" in text:
        return InputError(
            f"Expected a model that Keras can rebuild without running code from its file. Received: {what}, which has "
            "a Lambda layer. If you trust its author, call keras.config.enable_unsafe_deserialization() first."
        )
    return None
