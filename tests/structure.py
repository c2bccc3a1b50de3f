"""How the package hangs together: what imports what, in layers, circles, and a few counts to compare commits by.

python -m tests.structure [CHECKOUT]
"""

import ast
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "keras_gan_zoo"
ROOMS_WITHIN = ("metrics.features",)  # rooms of their own


@dataclass(frozen=True)
class Import:
    """One module of the package that another one imports."""

    importer: str
    imported: str
    line: int
    in_function: bool
    for_types: bool  # under TYPE_CHECKING
    comment: str  # on the same line


def modules_of(checkout: Path) -> dict[str, Path]:
    """By name without that of the package; the package itself is `__init__`."""
    files = sorted((checkout / PACKAGE).rglob("*.py"))
    return {_name(path.relative_to(checkout / PACKAGE).with_suffix("").parts): path for path in files}


def _name(parts: tuple[str, ...]) -> str:
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return next((room for room in ROOMS_WITHIN if f"{module}.".startswith(f"{room}.")), module.split(".")[0])


def imports_of(checkout: Path) -> list[Import]:
    modules = modules_of(checkout)
    return [
        found
        for name, path in modules.items()
        for found in _imports_in(name, path.read_text(encoding="utf-8"), modules)
    ]


def _imports_in(importer: str, text: str, modules: dict) -> list[Import]:
    lines, found = text.splitlines(), []

    def visit(node, in_function, for_types):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for imported in sorted(_targets(node, modules)):
                _, _, comment = lines[node.lineno - 1].partition("#")
                found.append(Import(importer, imported, node.lineno, in_function, for_types, comment.strip()))
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                visit(child, in_function, True)
            for child in node.orelse:
                visit(child, in_function, for_types)
        else:
            for child in ast.iter_child_nodes(node):
                visit(child, in_function, for_types)

    visit(ast.parse(text), False, False)
    return found


def _targets(node: ast.Import | ast.ImportFrom, modules: dict) -> set[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif node.level:
        raise ValueError(f"A relative import in line {node.lineno}: this package has none, and they are not followed.")
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    return {_module(name, modules) for name in names if name.split(".")[0] == PACKAGE}


def _module(name: str, modules: dict) -> str:
    """The module that a dotted name is, or is in."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules:
        parts.pop()
    return ".".join(parts) or "__init__"


# ---------------------------------------------------------------------------------------------------------------- rules


def layers_in(design: str) -> list[list[str]]:
    """The table of the section "Layers", from the bottom up."""
    table = re.search(r"^## Layers\n.*?^```\n(.*?)^```", design, flags=re.M | re.S)
    if table is None:
        raise ValueError('Expected a section "Layers" with a fenced block, a line for each layer. Found none.')
    return [line.split() for line in table[1].splitlines() if line.strip()]


def against_the_layers(imports: list[Import], layers: list[list[str]]) -> list[str]:
    """Imports that lead up, or sideways into another room of the layer."""
    heights = {room: height for height, rooms in enumerate(layers) for room in rooms}
    wrong = []
    for found in imports:
        rooms = room_of(found.importer), room_of(found.imported)
        if found.importer == "__init__" and found.for_types:  # the lazy surface, which names all rooms
            continue
        if rooms[0] != rooms[1] and heights[rooms[0]] <= heights[rooms[1]]:
            wrong.append(f"{found.importer}, line {found.line}, imports {found.imported}")
    return wrong


def in_functions_without_a_reason(imports: list[Import]) -> list[str]:
    """Commands import late so that they start quickly; any other import in a function says why, on its line."""
    return [
        f"{found.importer}, line {found.line}, imports {found.imported}"
        for found in imports
        if found.in_function and not found.comment and room_of(found.importer) != "cli"
    ]


def circles_of(edges: set[tuple[str, str]]) -> list[list[str]]:
    """Groups of nodes that reach each other."""
    reached = {node: {end for start, end in edges if start == node} for edge in edges for node in edge}
    for middle in reached:
        for node, ends in reached.items():
            if middle in ends:
                reached[node] = ends | reached[middle]
    groups = {frozenset(end for end in ends if node in reached[end]) for node, ends in reached.items() if node in ends}
    return sorted(sorted(group) for group in groups)


def module_edges(imports: list[Import]) -> set[tuple[str, str]]:
    """Those that happen, now or when a function is called; imports for types alone happen never."""
    return {(found.importer, found.imported) for found in imports if not found.for_types} - {
        (found.importer, found.importer) for found in imports
    }


def room_edges(imports: list[Import]) -> set[tuple[str, str]]:
    """Those of types as well; but not of the lazy surface, which names all rooms."""
    edges = {
        (room_of(found.importer), room_of(found.imported))
        for found in imports
        if not (found.importer == "__init__" and found.for_types)
    }
    return {(start, end) for start, end in edges if start != end}


# --------------------------------------------------------------------------------------------------------------- counts


def height(edges: set[tuple[str, str]], rooms: set[str]) -> int:
    """How many layers the rooms need; those of a circle share one."""
    circles = circles_of(edges)
    group = {room: next((circle[0] for circle in circles if room in circle), room) for room in rooms}
    below = {group[room]: {group[end] for start, end in edges if group[start] == group[room]} for room in rooms}

    def height_of(room):
        return 1 + max((height_of(other) for other in below[room] - {room}), default=0)

    return max(map(height_of, below))


def lines_of_functions(text: str) -> list[int]:
    """Of each body, from its first statement after the docstring to its last line."""
    lengths = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lengths.append(body[-1].end_lineno - body[0].lineno + 1 if body else 0)
    return lengths


def counts(checkout: Path) -> dict[str, int | float]:
    modules, imports = modules_of(checkout), imports_of(checkout)
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules.items()}
    lengths = sorted(length for text in texts.values() for length in lines_of_functions(text))
    rooms = {room_of(name) for name in modules}
    return {
        "modules": len(modules),
        "modules in the root": sum(path.parent == checkout / PACKAGE for path in modules.values()),
        "rooms": len(rooms),
        "layers": height(room_edges(imports), rooms),
        "circles of rooms": len(circles_of(room_edges(imports))),
        "circles of modules": len(circles_of(module_edges(imports))),
        "imports inside functions": len({(i.importer, i.line) for i in imports if i.in_function}),
        "of them outside cli": len(
            {(i.importer, i.line) for i in imports if i.in_function and room_of(i.importer) != "cli"}
        ),
        "functions": len(lengths),
        "lines of a function's body, median": statistics.median(lengths),
        "lines of a function's body, 90th percentile": lengths[round(0.9 * (len(lengths) - 1))],
        "files that name labels": sum(bool(re.search(r"\blabels\b", text)) for text in texts.values()),
        "files that name num_classes": sum(bool(re.search(r"\bnum_classes\b", text)) for text in texts.values()),
    }


def without_encoding(source: str) -> list[int]:
    """The lines that read or write text in the encoding of the locale, which another machine need not have."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return sorted(call.lineno for call in calls if _is_text(call) and not _names_encoding(call))


def _names_encoding(call: ast.Call) -> bool:
    return any(keyword.arg in ("encoding", None) for keyword in call.keywords)


def _is_text(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    is_method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if is_method else getattr(call.func, "id", "")
    if name in ("read_text", "write_text", "NamedTemporaryFile", "TemporaryFile"):
        return not name.endswith("File") or "mode" in given
    if name in ("Popen", "run", "check_output"):
        return "text" in given
    if name != "open" or ast.unparse(call.func) in ("os.open", "webbrowser.open"):
        return False
    at = 0 if is_method else 1  # of the mode among the arguments: path.open(mode), open(path, mode)
    mode = given.get("mode", call.args[at] if len(call.args) > at else None)
    if isinstance(mode, ast.Constant):
        return set(str(mode.value)) <= set("rwaxt+")
    return mode is None


if __name__ == "__main__":
    here = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    for what, count in counts(here).items():
        print(f"{count:>6g}  {what}")
