"""Whether a model is new, or is rebuilt from its configuration, as Keras does before it loads weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_marks: ContextVar[dict[str, bool] | None] = ContextVar("marks", default=None)


@contextmanager
def rebuilding(marks: dict[str, bool]) -> Iterator[None]:
    """Within this context a saved model is rebuilt, which must work even if a new model of this kind were refused.

    Args:
        marks: What the configuration says besides the arguments of the constructor.
    """
    token = _marks.set(marks)
    try:
        yield
    finally:
        _marks.reset(token)


def is_rebuilt() -> bool:
    return _marks.get() is not None


def is_marked(mark: str) -> bool:
    """Whether a model is rebuilt whose configuration has this mark."""
    return (_marks.get() or {}).get(mark, False)
