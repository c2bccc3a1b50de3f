"""The exceptions of this package. They distinguish mistakes of the caller from bugs of the package.

Every check in the package raises an `InputError` that says, in this order, what was expected, what was received, and
how to fix it. The command line shows an `InputError` as one line, and any other exception as a traceback.
"""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """The caller's input cannot work: a wrong argument, unusable data, or an invalid file."""


class WorkerLostError(RuntimeError):
    """A process of a distributed job is lost, which ends the job."""


class ParityError(ArithmeticError):
    """An exported file does not compute the same as its model."""


class NotFiniteError(ArithmeticError):
    """A number became NaN or infinite during training."""


def unknown(kind: str, name: object, options: Iterable[str]) -> InputError:
    """The error for a name that is not among the options, with similar names as a hint.

    Example:
        >>> str(unknown("loss", "hinges", ["hinge", "minimax"]))
        "Unknown loss 'hinges'. Expected one of: hinge, minimax. Did you mean 'hinge'?"
    """
    options = sorted(options)
    close = near_names(name, options)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    listed = ", ".join(options) if len(options) <= 40 else f"{len(options)} names"
    return InputError(f"Unknown {kind} {name!r}. Expected one of: {listed}.{hint}")


def near_names(name: object, options: Iterable[str]) -> list[str]:
    """Up to three of the options that are spelled like a name, in small letters or capitals, the most similar first.

    Example:
        >>> near_names("MNIST", ["cifar10", "mnist"])
        ['mnist']
    """
    options = sorted(options)
    spelled = dict.fromkeys(option.casefold() for option in options)
    close = difflib.get_close_matches(str(name).casefold(), spelled, n=3, cutoff=0.6)
    return [option for match in close for option in options if option.casefold() == match][:3]
