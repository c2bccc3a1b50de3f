"""The digest of a function: of its source, or a mark that says it is unknown."""

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

_MARKS: dict[int, str] = {}  # of objects by their id, as long as they live
_KEPT: list = []  # objects that cannot be watched, kept so that their id is not given to another


def digest_of(function: Callable) -> str:
    """The SHA-256 of a function's source, the same in every process; or "unknown" with a mark.

    It includes the values of default arguments and of variables of a function around it, if they are plain: numbers,
    text, lists. What global names stand for may change unseen. The digest is unknown of everything else that can be
    called: functions that hold other objects, methods, functions without a file. The mark is of the object, in this
    process alone: its results can be compared with each other, and with no others.

    Example:
        >>> len(digest_of(digest_of)), digest_of(print) == digest_of(print), digest_of(print) == digest_of(len)
        (64, True, False)
    """
    try:
        content = json.dumps([_source(function), _held(function)])
    except (OSError, SyntaxError, TypeError, ValueError):  # no file, or another by now; no function; nothing plain
        return f"unknown {_mark(function)}"
    return hashlib.sha256(content.encode()).hexdigest()


def _held(function) -> list:
    """The values that a function was made with. A variable that has none yet is a `ValueError`."""
    return [function.__defaults__, function.__kwdefaults__, inspect.getclosurevars(function).nonlocals]


def _source(function) -> str:
    if not inspect.isfunction(function):
        raise TypeError("no function")
    code = function.__code__  # of a function that another wraps, `inspect` would read the other
    return _source_of_lambda(code) if code.co_name == "<lambda>" else textwrap.dedent(inspect.getsource(code))


def _source_of_lambda(code: CodeType) -> str:
    """Of the lambda alone, wherever it stands in its line; which one it is, columns in the code tell."""
    text = "".join(inspect.findsource(code)[0])
    spans = [((line, column), (last, end)) for line, last, column, end in code.co_positions() if end]
    found = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _holds(node.body, spans)
    ]
    if not found or (len(found) > 1 and not spans):  # python -X no_debug_ranges
        raise OSError("not known which lambda of the line")
    return min((ast.get_source_segment(text, node) or "" for node in found), key=len)  # the innermost


def _holds(body: ast.expr, spans: list) -> bool:
    first, last = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return all(first <= start and end <= last for start, end in spans)


def _mark(function: Callable) -> str:
    """Of a function, or of the object that a method belongs to: Python makes a method anew at each look."""
    owner = getattr(function, "__self__", function)
    if inspect.ismodule(owner):  # as of `print`, which Python counts as a method of its module
        owner = function
    if id(owner) not in _MARKS:
        _MARKS[id(owner)] = secrets.token_hex(4)
        try:
            weakref.finalize(owner, _MARKS.pop, id(owner))
        except TypeError:
            _KEPT.append(owner)
    return _MARKS[id(owner)]
