"""What functions and constructors take, and what their docstrings say of it, read from the source.

Nothing is imported that is only asked for its arguments, so the command line knows them without TensorFlow.
"""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
REQUIRED = ...  # in the place of a default


@dataclass(frozen=True)
class Argument:
    """One argument.

    Args:
        annotation: As the source has it.
        default: Its value if that is a literal, `REQUIRED` if there is none; None for any other expression.
        text: Its entry in the docstring, on one line; empty if it has none.
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

    A constructor is "module:Class", a dataclass too. Those of the bases, to which it passes on what it does not name,
    come after its own.

    Example:
        >>> arguments("models.wgan:WGAN")["clip"].default
        0.01
    """
    module, name, method = _parts(home)
    node = _definition(module, name)
    if isinstance(node, ast.FunctionDef):
        return _of_function(node, _texts(node))
    if method:
        function = _method(module, node, method)
        return _of_function(function, _texts(function))
    taken: dict[str, Argument] = {}
    for kind in _lineage(module, node):
        for argument, what in _of_class(kind).items():
            taken.setdefault(argument, what)
    return taken


def returned(home: str) -> dict[str, Any]:
    """The items of the dictionaries that a method, "module:Class.method", returns, where they are literals.

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
    """A class and those of its bases that are of this package, nearest first."""
    yield kind
    homes = _imported(module)
    for base in kind.bases:
        if isinstance(base, ast.Name):
            home = homes.get(base.id, module)
            yield from _lineage(home, _definition(home, base.id))


def _imported(module: str) -> dict[str, str]:
    """The names that a module imports from others of this package, and from which."""
    ours = [node for node in _tree(module).body if isinstance(node, ast.ImportFrom) and "." in (node.module or "")]
    return {alias.name: node.module.partition(".")[2] for node in ours for alias in node.names}


def _method(module: str, kind: ast.ClassDef, name: str) -> ast.FunctionDef:
    of_all = (node for parent in _lineage(module, kind) for node in parent.body)
    return next(node for node in of_all if isinstance(node, ast.FunctionDef) and node.name == name)


def _of_class(kind: ast.ClassDef) -> dict[str, Argument]:
    """Those of its own constructor, or the fields of a dataclass."""
    texts = _texts(kind)
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _of_function(node, texts)
    if not any("dataclass" in ast.unparse(decorator) for decorator in kind.decorator_list):
        return {}
    fields = [node for node in kind.body if isinstance(node, ast.AnnAssign)]
    return {node.target.id: _argument(node.target.id, node.annotation, node.value, texts) for node in fields}


def _of_function(node: ast.FunctionDef, texts: dict[str, str]) -> dict[str, Argument]:
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
    """The entries of the section `Args:` of a docstring in Google's style, each on one line."""
    section = re.search(r"^Args:\n((?: .*\n|\n)*)", f"{ast.get_docstring(node) or ''}\n", flags=re.M)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", flags=re.M)
    return {name: " ".join(text.split()) for name, text in entries}
