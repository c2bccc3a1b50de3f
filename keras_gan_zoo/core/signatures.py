"""The arguments of functions and constructors with their documentation, read from the source code.

No module is imported for this, so the command line knows the arguments without TensorFlow.
"""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
REQUIRED = ...  # instead of a default


@dataclass(frozen=True)
class Argument:
    """One argument.

    Args:
        annotation: The annotation, as written in the source.
        default: The default if it is a literal, `REQUIRED` if there is none; None for any other expression.
        text: The entry in the docstring, on one line; empty if there is none.
    """

    annotation: str
    default: Any
    text: str

    @property
    def kind(self) -> str:
        """The first name of the annotation, such as "int" or "str"."""
        return self.annotation.partition(" | ")[0]


def arguments(home: str) -> dict[str, Argument]:
    """The arguments of a function, "module:function", of a method, "module:Class.method", or of a constructor.

    A constructor, also that of a dataclass, is "module:Class". The arguments of its base classes, to which it passes
    further keywords, come after its own.

    Example:
        >>> arguments("models.wgan:WGAN")["clip"].default
        0.01
    """
    module, name, method = _parts(home)
    node = _definition(module, name)
    if isinstance(node, ast.FunctionDef):
        return _function_arguments(node, _texts(node))
    if method:
        function = _method(module, node, method)
        return _function_arguments(function, _texts(function))
    merged: dict[str, Argument] = {}
    for kind in _lineage(module, node):
        for name, argument in _class_arguments(kind).items():
            merged.setdefault(name, argument)
    return merged


def returned(home: str) -> dict[str, Any]:
    """The literal items of the dictionaries that a method, "module:Class.method", returns.

    Example:
        >>> returned("models.dcgan:DCGAN.paper_networks")
        {'architecture': 'dcgan'}
    """
    module, name, method = _parts(home)
    nodes = ast.walk(_method(module, _definition(module, name), method))
    tables = [node.value for node in nodes if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)]
    items = [item for table in tables for item in zip(table.keys, table.values, strict=True)]
    return {key.value: value.value for key, value in items if isinstance(value, ast.Constant)}


def _parts(home: str) -> tuple[str, str, str]:
    module, _, path = home.partition(":")
    name, _, method = path.partition(".")
    return module, name, method


@functools.cache
def _tree(module: str) -> ast.Module:
    path = PACKAGE.joinpath(*module.split("."))
    file = path.with_suffix(".py")
    return ast.parse((file if file.is_file() else path / "__init__.py").read_text(encoding="utf-8"))


def _definition(module: str, name: str) -> ast.ClassDef | ast.FunctionDef:
    return next(node for node in _tree(module).body if getattr(node, "name", None) == name)


def _lineage(module: str, kind: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """A class and its base classes in this package, nearest first."""
    yield kind
    homes = _imported(module)
    for base in kind.bases:
        if isinstance(base, ast.Name):
            home = homes.get(base.id, module)
            yield from _lineage(home, _definition(home, base.id))


def _imported(module: str) -> dict[str, str]:
    """The names that a module imports from this package, each with its module."""
    ours = [node for node in _tree(module).body if isinstance(node, ast.ImportFrom) and "." in (node.module or "")]
    return {alias.name: node.module.partition(".")[2] for node in ours for alias in node.names}


def _method(module: str, kind: ast.ClassDef, name: str) -> ast.FunctionDef:
    nodes = (node for parent in _lineage(module, kind) for node in parent.body)
    return next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name)


def _class_arguments(kind: ast.ClassDef) -> dict[str, Argument]:
    """The arguments of a class's own constructor, or the fields of a dataclass."""
    texts = _texts(kind)
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _function_arguments(node, texts)
    if not any("dataclass" in ast.unparse(decorator) for decorator in kind.decorator_list):
        return {}
    fields = [node for node in kind.body if isinstance(node, ast.AnnAssign)]
    return {node.target.id: _argument(node.target.id, node.annotation, node.value, texts) for node in fields}


def _function_arguments(node: ast.FunctionDef, texts: dict[str, str]) -> dict[str, Argument]:
    positional = [*node.args.posonlyargs, *node.args.args]
    required = len(positional) - len(node.args.defaults)
    defaults = [*[None] * required, *node.args.defaults, *node.args.kw_defaults]
    return {
        argument.arg: _argument(argument.arg, argument.annotation, default, texts)
        for argument, default in zip([*positional, *node.args.kwonlyargs], defaults, strict=True)
        if argument.arg not in ("self", "cls")
    }


def _argument(name: str, annotation: ast.expr | None, default: ast.expr | None, texts: dict[str, str]) -> Argument:
    value = REQUIRED if default is None else default.value if isinstance(default, ast.Constant) else None
    return Argument("" if annotation is None else ast.unparse(annotation), value, texts.get(name, ""))


def _texts(node: ast.ClassDef | ast.FunctionDef) -> dict[str, str]:
    """The entries of the `Args:` section of a Google-style docstring, each on one line."""
    section = re.search(r"^Args:\n((?: .*\n|\n)*)", f"{ast.get_docstring(node) or ''}\n", flags=re.M)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", flags=re.M)
    return {name: " ".join(text.split()) for name, text in entries}
