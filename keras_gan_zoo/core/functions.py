"""The digest of a function: that of its source, or "unknown" with an identifier of the object."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import secrets
import textwrap
import weakref
from collections.abc import Callable
from types import CodeType

UNKNOWN = "unknown"  # in place of a digest
_MARKS: dict[int, str] = {}  # identifiers of objects, by `id`, as long as they exist
_KEPT: list = []  # objects without weak references, kept so that their `id` is not reused


def digest_of(function: Callable) -> str:
    """The SHA-256 of a function's source, the same in every process; or "unknown" with an identifier of the object.

    The digest includes the values of default arguments and of variables of an enclosing function, if they are plain:
    numbers, text, lists. It does not cover global names. It is unknown for all other callables: functions that hold
    other objects, methods, functions without a file. The identifier is valid in this process only, so results with it
    can only be compared with each other.

    Example:
        >>> len(digest_of(digest_of)), digest_of(print) == digest_of(print), digest_of(print) == digest_of(len)
        (64, True, False)
    """
    try:
        content = json.dumps([_source(function), _held(function)])
    except (OSError, SyntaxError, TypeError, ValueError):  # no file, or a changed one; not a function; not plain values
        return f"{UNKNOWN} {_mark(function)}"
    return hashlib.sha256(content.encode()).hexdigest()


def _held(function) -> list:
    """The default arguments and closure variables of a function. A variable without a value raises a `ValueError`."""
    return [function.__defaults__, function.__kwdefaults__, inspect.getclosurevars(function).nonlocals]


def _source(function) -> str:
    if not inspect.isfunction(function):
        raise TypeError("not a function")
    code = function.__code__  # for a decorated function, `inspect` would read the wrapped one
    return _source_of_lambda(code) if code.co_name == "<lambda>" else textwrap.dedent(inspect.getsource(code))


def _source_of_lambda(code: CodeType) -> str:
    """The source of a lambda only; the columns in its code tell which one of the line it is."""
    text = "".join(inspect.findsource(code)[0])
    spans = [((line, column), (last, end)) for line, last, column, end in code.co_positions() if end]
    candidates = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _holds(node.body, spans)
    ]
    if not candidates or (len(candidates) > 1 and not spans):  # python -X no_debug_ranges
        raise OSError("several lambdas in one line")
    return min((ast.get_source_segment(text, node) or "" for node in candidates), key=len)  # the innermost


def _holds(body: ast.expr, spans: list) -> bool:
    first, last = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return all(first <= start and end <= last for start, end in spans)


def _mark(function: Callable) -> str:
    """The identifier of a function, or of a method's object, because Python creates a new method at each access."""
    owner = getattr(function, "__self__", function)
    if inspect.ismodule(owner):  # such as of `print`, which Python regards as a method of its module
        owner = function
    if id(owner) not in _MARKS:
        _MARKS[id(owner)] = secrets.token_hex(4)
        try:
            weakref.finalize(owner, _MARKS.pop, id(owner))
        except TypeError:
            _KEPT.append(owner)
    return _MARKS[id(owner)]
