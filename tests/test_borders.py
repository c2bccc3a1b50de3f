"""What parsers and Keras raise becomes a sentence; our own mistakes do not. No file is parsed without a border."""

import ast
import zipfile

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.core import reading
from keras_gan_zoo.core.reading import Kind, cause_of, check_archive, is_out_of_memory
from keras_gan_zoo.errors import REGISTER, InputError
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.snapshot import Snapshot
from tests import nasty
from tests.games import game
from tests.helpers import ROOT, zipped

LIST = Kind("list", "a list", "Write it again.")


# ---------------------------------------------------------------------------------------------------------- the border


def test_the_cause_comes_first_and_whole(tmp_path):
    inner = TypeError("Could not find 'x', " + "which is long " * 20)
    try:
        try:
            raise inner
        except TypeError as error:
            raise ValueError(
                f"Error when deserializing, using config={{...}}.\n\nException encountered: {error}"
            ) from error
    except ValueError as error:
        found = cause_of(error)
    assert found == " ".join(str(inner).split())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError(), "more memory than there is"),
        (KeyError("values"), "it has no 'values'"),
        (ValueError(), "ValueError"),
        (ValueError("\x1b[31mred"), r"\x1b[31mred"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (TypeError("No class. Full object config: {'a': 1}"), "No class"),
    ],
)
def test_what_a_parser_raises_in_words(error, words):
    assert words in cause_of(error)
    with pytest.raises((InputError, OSError), match=r"Expected a list\. Received: a\.json \("), LIST.border("a.json"):
        raise error


def test_a_machines_failure_is_not_the_files(tmp_path):
    with pytest.raises(OSError, match=r"a\.json \(Input/output error\).*may be whole"), LIST.border("a.json"):
        raise OSError(5, "Input/output error")
    with pytest.raises(InputError, match=r"a\.json \(Permission denied\)\. Change"), LIST.border("a.json"):
        raise PermissionError(13, "Permission denied")


def test_our_own_mistakes_keep_their_traceback(monkeypatch):
    code = compile("undefined", reading.__file__, "eval")
    with pytest.raises(NameError), LIST.border("a.json"):
        eval(code)
    with pytest.raises(KeyboardInterrupt), LIST.border("a.json"):
        raise KeyboardInterrupt


def test_only_regular_files_are_files(tmp_path):
    for number, (name, make) in enumerate(nasty.NODES.items()):
        make(tmp_path / str(number))
        with pytest.raises(InputError, match=rf"Expected a list\. Received: .*/{number}, .*\. Check the path"):
            LIST.check(tmp_path / str(number))
        assert not reading.is_file(tmp_path / str(number)), name
    (tmp_path / "file").touch()
    assert LIST.content(tmp_path / "file") == b""


def test_bombs_are_told_from_large_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LIMIT", 10_000)
    random = np.random.default_rng(0).bytes(20_000)
    for content, is_bomb in ((bytes(9_000), False), (bytes(2_000_000), True), (random, False)):
        with zipfile.ZipFile(zipped_file(tmp_path / "a.zip", content)) as archive:
            if is_bomb:
                with pytest.raises(ValueError, match="save it without compression"):
                    check_archive(archive)
            else:
                check_archive(archive)


def zipped_file(path, content):
    path.write_bytes(nasty.zipped(("a", content)))
    return path


# ---------------------------------------------------------------------------------------- layers that nobody registered


@pytest.fixture(scope="module")
def with_own_layer(tmp_path_factory):
    """A folder with a game in all forms, which has a layer that is registered no longer."""

    @keras.saving.register_keras_serializable("borders")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), Twice()])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    gan = kgz.GAN(generator, discriminator, seed=0)
    gan.compile()
    folder, snapshot = tmp_path_factory.mktemp("own"), Snapshot.capture(gan, run=identity.describe_run(gan, {}))
    for name in ("run/snapshots", "finished"):
        (folder / name).mkdir(parents=True)
    for name in ("gan.keras", "finished/gan.keras"):
        gan.save(folder / name)
    for name in ("a.snapshot", "run/snapshots/step_0000000000.snapshot"):
        snapshot.write(folder / name)
    gan.save_preset(folder / "tiny")
    zipped(folder / "tiny", folder / "tiny.zip")
    del keras.saving.get_custom_objects()["borders>Twice"]
    return folder


@pytest.mark.filterwarnings("ignore:.*is not finished")
@pytest.mark.parametrize("place", ["gan.keras", "a.snapshot", "run", "finished", "tiny", "tiny.zip"])
def test_a_layer_that_is_not_registered_is_named_with_what_to_do(place, with_own_layer):
    with pytest.raises(InputError) as caught:
        kgz.load(with_own_layer / place)
    sentence = str(caught.value)
    assert sentence.startswith("Expected the definition of 'Twice', which ")
    assert place.removesuffix(".zip") in sentence
    assert sentence.endswith(REGISTER)


def test_another_file_of_ours_is_refused_by_name(tmp_path):
    gan = game()
    gan.save(tmp_path / "gan.keras")
    Snapshot.capture(gan, run=identity.describe_run(gan, {})).write(tmp_path / "a.snapshot")
    (tmp_path / "a.snapshot").rename(tmp_path / "b.keras")
    (tmp_path / "gan.keras").rename(tmp_path / "b.snapshot")
    for name in ("b.keras", "b.snapshot"):
        with pytest.raises(InputError, match=rf"Expected a whole .* Received: .*{name}"):
            kgz.load(tmp_path / name)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"seed": "x"}, "another kind"),
        ({"history": [1]}, "another kind"),
        ({"history": 1}, "not iterable"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_header_that_is_no_snapshots_is_refused(facts, reason, tmp_path):
    gan = game()
    snapshot = Snapshot.capture(gan, run=identity.describe_run(gan, {}))
    for name, value in facts.items():
        object.__setattr__(snapshot, name, value)
    if "unknown" in facts:
        snapshot.arrays["step"] = np.zeros(3)
        reason = "no number of steps"
    snapshot.write(tmp_path / "a.snapshot")
    with pytest.raises(InputError, match=rf"a\.snapshot \(.*{reason}"):
        Snapshot.read(tmp_path / "a.snapshot")


def test_names_without_a_step_are_left_out_and_left_alone(tmp_path):
    from keras_gan_zoo.state.snapshot import SnapshotFolder

    gan, folder = game(), SnapshotFolder(tmp_path)
    (tmp_path / "step_x.snapshot").write_text("mine")
    (tmp_path / "step_0000000009.snapshot").mkdir()
    folder.write(Snapshot.capture(gan, run=identity.describe_run(gan, {})))
    assert folder.steps() == [0]
    with pytest.warns(UserWarning, match=r"Left out .*step_.*, because its name has no step"):
        assert folder.newest().step == 0
    assert (tmp_path / "step_x.snapshot").read_text() == "mine"


# --------------------------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize("content", ["empty", "random bytes", "not UTF-8", "nested lists", "a zip bomb", "a pickle"])
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["sample"], "x.keras"),
        (["sample"], "x.onnx"),
        (["sample"], "x.snapshot"),
        (["sample"], "x.zip"),
        (["sample", "points.onnx", "--conditions"], "x.npy"),
        (["train", "--dry-run", "--recipe"], "x.toml"),
        (["train", "dcgan", "--dry-run", "--data"], "x.npz"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_command_says_one_sentence(content, arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nasty.write_onnx(tmp_path / "points.onnx")
    (tmp_path / name).write_bytes(nasty.FOREIGN[content])
    result = CliRunner().invoke(main, [*arguments, name])
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.output
    assert name in lines[0]
    assert "Traceback" not in result.output


@pytest.mark.parametrize("source", ["https://[::1/", "~nosuchuser", "~nosuchuser/x.keras", "x" * 5000, "a/../.."])
def test_what_leads_nowhere_is_refused_in_a_sentence(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["sample", source])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert result.output.startswith("Error: Expected ")


def fails_with(error, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("keras_gan_zoo.cli.sampling.generator_of", fail)
    return CliRunner().invoke(main, ["sample", "x", "-o", "out.png"])


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


@pytest.mark.parametrize(
    "error",
    [MemoryError(), MemoryError("Unable to allocate 7 TiB"), ResourceExhaustedError("OOM when allocating\ntensor")],
)
def test_out_of_memory_says_what_to_make_smaller(error, monkeypatch):
    result = fails_with(error, monkeypatch)
    assert result.exit_code == 1
    assert result.output.startswith("Error: Expected enough memory. Received: too little")
    assert "Reduce the number of samples, -n, or free some memory." in result.output
    assert " ".join(str(error).split()) in result.output


def test_a_full_disk_names_the_file(monkeypatch):
    result = fails_with(OSError(28, "No space left on device"), monkeypatch)
    assert result.exit_code == 1
    assert result.output == (
        "Error: Expected to read and write out.png. Received: No space left on device. Free some space.\n"
    )
    result = fails_with(OSError(28, "No space left on device", "other.npz"), monkeypatch)
    assert "Expected to read and write other.npz." in result.output


def test_a_full_disk_is_not_too_little_memory():
    assert not is_out_of_memory(ResourceExhaustedError("x; No space left on device"))


def test_mistakes_of_the_package_keep_their_traceback_on_the_command_line(monkeypatch):
    assert isinstance(fails_with(ZeroDivisionError("bug"), monkeypatch).exception, ZeroDivisionError)


def test_an_export_to_a_full_disk_names_the_file(tmp_path, monkeypatch):
    from keras_gan_zoo.export import exporting

    def write(beside):
        raise ResourceExhaustedError(f"{beside}; No space left on device")

    with pytest.raises(OSError, match="nothing was written") as caught:
        exporting._write(write, tmp_path / ".x.unfinished", tmp_path / "x")
    assert caught.value.filename == str(tmp_path / "x")


# ------------------------------------------------------------------------------------------ no reader without a border

PARSERS = {
    *("json.loads", "json.load", "tomllib.loads", "tomllib.load", "np.load", "np.lib.format.read_array", "Image.open"),
    *(
        "zipfile.ZipFile",
        "keras.saving.load_model",
        "keras.models.load_model",
        "onnx.load",
        "onnx.load_model_from_string",
    ),
    *("onnxruntime.InferenceSession", "Interpreter", "tfds.builder", "GraphDef.FromString", "csv.DictReader"),
    *("read_bytes", "read_text", "load_weights", "pickle.load", "np.genfromtxt"),
}
# Functions that parse without a border, each with the reason.
ALLOWED = {
    ("cli/completion.py", "classes"): "what cannot be read is not completed",
    ("core/claims.py", "_start_of"): "what the system says about a process",
    ("core/claims.py", "read"): "a lock, which has its own care",
    ("core/log_files.py", "rows_in"): "lines, not a file",
    ("core/recipe_files.py", "values_in"): "text, not a file",
    ("core/remote_copies.py", "_fetch_file"): "bytes, compared with their SHA-256",
    ("core/remote_copies.py", "agrees"): "a marker, which is damaged or agrees",
    ("core/remote.py", "read_text"): "the caller names the file",
    ("core/remote_claims.py", "_machine"): "what the system says about itself",
    ("core/remote_claims.py", "read"): "a claim, which has its own care",
    ("core/signatures.py", "_tree"): "source code of this package",
    ("data/packed.py", "_opened"): "a file of this package",
    ("data/records.py", "_decoded"): "the caller names the file of records",
    ("data/shards.py", "_opened"): "within the border of its caller",
    ("data/templates.py", "__init__"): "a file of this package",
    ("encoders.py", "__init__"): "a file of an installed package",
    ("export/litert_file.py", "_archive"): "it writes",
    ("export/litert_file.py", "_rebuilt"): "has its own refusal",
    ("export/readers.py", "saved_models"): "an answer of our own program",
    ("export/smaller.py", "_examples"): "a file that was converted a moment ago",
    ("export/smaller.py", "int8"): "a file that was converted a moment ago",
    ("export/saved_model_reader.py", "answer"): "a question of our own program",
    ("metrics/features/extractors.py", "_classifier"): "a file of this package, checked by its digest",
    ("onnx_file.py", "_refuse_external_data"): "within the border of its caller",
    ("onnx_file.py", "_said"): "has its own refusal",
    ("pictures.py", "save_history"): "pictures of this run",
    ("playground/models.py", "_classes"): "a file of its own, made a moment ago or compared with its digest",
    ("playground/models.py", "_image_shape"): "has its own refusal",
    ("reports/page.py", "_part"): "a file of this package",
    ("state/identity.py", "describe_run"): "text that was made a moment ago",
    ("state/identity.py", "without_names"): "text that was made a moment ago",
    ("state/snapshot.py", "_arrays_in"): "within the border of its caller",
    ("training/publishing.py", "publish"): "the table of this package",
    ("training/run_folders.py", "_beginning"): "a list that this package wrote; any other is left alone",
    ("training/runs.py", "_save"): "a model that was written a moment ago",
    ("training/run_folders.py", "_upload"): "bytes, which are copied",
    ("zoo/cards.py", "shipped"): "the table of this package",
    ("zoo/hub.py", "file"): "bytes, compared with their SHA-256",
    ("zoo/loading.py", "_load_with_keras"): "within the border of its caller",
}


def unguarded(source: str) -> set[str]:
    """The names of the functions that call a parser outside of `with ....border(...)`."""
    found = set()

    def visit(node, function, is_guarded):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function, is_guarded = node.name, False
        if isinstance(node, ast.With):
            borders = [ast.unparse(item.context_expr) for item in node.items]
            is_guarded = is_guarded or any(".border(" in text for text in borders)
        if isinstance(node, ast.Call) and not is_guarded:
            called = ast.unparse(node.func)
            if any(called == name or called.endswith(f".{name}") for name in PARSERS):
                found.add(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function, is_guarded)

    visit(ast.parse(source), "", False)
    return found


def test_no_file_is_parsed_outside_a_border():
    package = ROOT / "keras_gan_zoo"
    found = {
        (str(path.relative_to(package)), function)
        for path in package.rglob("*.py")
        for function in unguarded(path.read_text(encoding="utf-8"))
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer needed"


@pytest.mark.parametrize(
    ("source", "functions"),
    [
        ("def f(p):\n    return json.loads(p.read_text())", {"f"}),
        ("def f(p):\n    with K.border(p):\n        return np.load(p)", set()),
        ("def f(p):\n    with K.border(p), zipfile.ZipFile(p) as z:\n        return z", set()),
        ("def f(p):\n    with open(p) as z:\n        return np.load(z)", {"f"}),
    ],
)
def test_parsers_outside_borders_are_found(source, functions):
    assert unguarded(source) == functions
