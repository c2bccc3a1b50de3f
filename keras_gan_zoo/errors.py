"""Mistakes of the caller, told apart from mistakes of ours.

Every check in the package raises `InputError` with three things in this order: what was expected, what was received,
how to mend it. The command line shows an `InputError` as one line and anything unforeseen as a traceback.
"""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What the caller gave cannot work: a wrong argument, unusable data, a file that is not what it should be."""


class WorkerLostError(RuntimeError):
    """A process of a distributed job is gone, and the job with it."""


class ParityError(ArithmeticError):
    """An exported file computes something else than the model it was made from."""


class NotFiniteError(ArithmeticError):
    """Training left the finite numbers."""


def unknown(kind: str, name: object, options: Iterable[str]) -> InputError:
    """The error for a name that is in no list, with the nearest names first.

    Example:
        >>> str(unknown("loss", "hinges", ["hinge", "minimax"]))
        "Unknown loss 'hinges'. Expected one of: hinge, minimax. Did you mean 'hinge'?"
    """
    options = sorted(options)
    close = difflib.get_close_matches(str(name), options, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    listed = ", ".join(options) if len(options) <= 40 else f"{len(options)} names"
    return InputError(f"Unknown {kind} {name!r}. Expected one of: {listed}.{hint}")
