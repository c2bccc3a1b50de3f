"""The house stands as docs/design.md draws it: layers, no circles, no import in a function without a reason."""

import ast
from pathlib import Path

import pytest

from tests import structure
from tests.helpers import ROOT

IMPORTS = structure.imports_of(ROOT)
LAYERS = structure.layers_in((ROOT / "docs" / "design.md").read_text())


def test_every_room_is_in_one_layer():
    rooms = [room for layer in LAYERS for room in layer]
    assert sorted(rooms) == sorted({structure.room_of(name) for name in structure.modules_of(ROOT)})


def test_imports_lead_down():
    assert structure.against_the_layers(IMPORTS, LAYERS) == []


def test_no_circles():
    assert structure.circles_of(structure.room_edges(IMPORTS)) == []
    assert structure.circles_of(structure.module_edges(IMPORTS)) == []


def test_an_import_in_a_function_says_why():
    assert structure.in_functions_without_a_reason(IMPORTS) == []


def test_no_test_module_imports_another():
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
                names = [node.module.split(".")[-1], *(alias.name for alias in node.names)]
                wrong = [name for name in names if name == "conftest" or name.startswith("test_")]
                assert not wrong, f"{path.name} imports {wrong}"


@pytest.mark.parametrize("folder", ["keras_gan_zoo", "export", "docs", "tests/benchmarks"])
def test_text_is_in_utf_8_in_every_locale(folder):
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")}
    found = {path: structure.without_encoding(source) for path, source in sources.items()}
    assert not {path: lines for path, lines in found.items() if lines}


# ------------------------------------------------------------------------------------------- what is counted is counted


@pytest.fixture
def house(tmp_path):
    """Three rooms: `b.two` imports `a` in a function, and `a` imports `b.one` for types."""

    def build(**changes):
        files = {
            "__init__": "",
            "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from keras_gan_zoo.b.one import x\n",
            "b/__init__": "",
            "b/one": 'def x(labels):\n    """Says."""\n    y = labels\n\n    return y\n',
            "b/two": "def f():\n    from keras_gan_zoo import a  # for once\n",
            "metrics/__init__": "import numpy\n",
            "metrics/features/__init__": "",
            "metrics/features/arrays": "from keras_gan_zoo.b import one, two\n",
            **changes,
        }
        for name, text in files.items():
            path = tmp_path / structure.PACKAGE / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


def test_imports_are_found_wherever_they_are(house):
    found = [(i.importer, i.imported, i.in_function, i.for_types) for i in structure.imports_of(house())]
    assert sorted(found) == [
        ("a", "b.one", False, True),
        ("b.two", "a", True, False),
        ("metrics.features.arrays", "b.one", False, False),
        ("metrics.features.arrays", "b.two", False, False),
    ]


def test_what_leads_up_or_sideways_is_found(house):
    imports = structure.imports_of(house())
    assert structure.against_the_layers(imports, [["b"], ["metrics.features"], ["a"]]) == ["b.two, line 2, imports a"]
    assert structure.against_the_layers(imports, [["a", "b"], ["metrics.features"]]) == [
        "a, line 3, imports b.one",
        "b.two, line 2, imports a",
    ]
    assert structure.against_the_layers(imports, [["a"], ["b"], ["metrics.features"]]) == ["a, line 3, imports b.one"]


def test_circles_are_found_though_half_of_one_is_in_a_function(house):
    imports = structure.imports_of(house())
    assert structure.circles_of(structure.room_edges(imports)) == [["a", "b"]]
    assert structure.circles_of(structure.module_edges(imports)) == []
    imports = structure.imports_of(house(a="import keras_gan_zoo.b.two\n"))
    assert structure.circles_of(structure.module_edges(imports)) == [["a", "b.two"]]


def test_circles_are_groups():
    edges = {(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 6), (6, 5)}
    assert structure.circles_of({(str(a), str(b)) for a, b in edges}) == [["1", "2", "3"], ["5", "6"]]


def test_reasons_are_missed(house):
    assert structure.in_functions_without_a_reason(structure.imports_of(house())) == []
    imports = structure.imports_of(house(**{"b/two": "def f():\n    from keras_gan_zoo import a\n"}))
    assert structure.in_functions_without_a_reason(imports) == ["b.two, line 2, imports a"]


def test_counts(house):
    counts = structure.counts(house())
    assert counts == {
        "modules": 8,
        "modules in the root": 2,
        "rooms": 5,  # the package itself is one, and metrics.features
        "layers": 2,  # a and b, in one layer because they are a circle
        "circles of rooms": 1,
        "circles of modules": 0,
        "imports inside functions": 1,
        "of them outside cli": 1,
        "functions": 2,
        "lines of a function's body, median": 2,
        "lines of a function's body, 90th percentile": 3,
        "files that name labels": 1,
        "files that name num_classes": 0,
    }


def test_a_design_without_layers_is_refused():
    with pytest.raises(ValueError, match="Expected a section"):
        structure.layers_in(Path(__file__).read_text())


@pytest.mark.parametrize(
    ("call", "is_wrong"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.write_text(text)", True),
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("open(path, 'wb')", False),
        ("path.open(newline='')", True),
        ("path.open('a', encoding='ascii')", False),
        ("Image.open(path)", False),
        ("os.open(path, flags)", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, encoding='utf-8')", False),
        ("subprocess.run(command, capture_output=True)", False),
        ("tempfile.TemporaryFile()", False),
        ("tempfile.TemporaryFile(mode='w')", True),
    ],
)
def test_text_without_an_encoding_is_found(call, is_wrong):
    assert structure.without_encoding(call) == [1] * is_wrong
