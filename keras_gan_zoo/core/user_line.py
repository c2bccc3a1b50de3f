"""Warnings that point at the user's line, however deep in this package, in Keras or in a thread they arise."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = str(Path(__file__).parent.parent)
LIBRARIES = ("keras", "tensorflow")


@dataclass(frozen=True)
class UserLine:
    """A line of code outside this package and the libraries that call it.

    Example:
        >>> UserLine.here().number > 0
        True
    """

    file: str
    number: int
    module: str
    registry: dict = field(repr=False)

    @classmethod
    def here(cls) -> UserLine:
        """The innermost such line that is being executed; the outermost of all if there is none."""
        frame = inspect.currentframe()
        while frame.f_back is not None and _is_inside(frame.f_code.co_filename, frame.f_globals.get("__name__", "")):
            frame = frame.f_back
        registry = frame.f_globals.setdefault("__warningregistry__", {})
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", ""), registry)

    def warn(self, message: str) -> None:
        """Issues a `UserWarning` that points at this line."""
        warnings.warn_explicit(message, UserWarning, self.file, self.number, self.module, self.registry)


def warn(message: str) -> None:
    """Issues a `UserWarning` that points at the user's line."""
    UserLine.here().warn(message)


def _is_inside(file: str, module: str) -> bool:
    return file.startswith(PACKAGE) or module.partition(".")[0] in LIBRARIES
