"""Each private part of Keras and TensorFlow that the package relies on; and that it relies on no others."""

import ast
import contextlib
import importlib
import inspect
import json
import os
import pkgutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo
from keras_gan_zoo.core import keras_internals as internals

PACKAGE = Path(keras_gan_zoo.__file__).parent
VERSIONS = f"with Keras {keras.__version__} and TensorFlow {tf.__version__}"


def broke(use: str, expected: str) -> str:
    return f"keras_internals.{use} broke {VERSIONS}: expected {expected}"


@pytest.fixture
def nested():
    """Noise and labels to an image, by a layer within a model within a model."""
    inner = keras.Sequential([keras.Input((7,)), keras.layers.Dense(4, name="deep"), keras.layers.Dropout(0.5)])
    noise, labels = keras.Input((4,)), keras.Input((), dtype="int32")
    joined = keras.layers.Concatenate()([noise, keras.ops.one_hot(labels, 3)])
    return keras.Model([noise, labels], keras.layers.Dense(2, "sigmoid", name="last")(inner(joined)))


def test_all_layers(nested):
    names = [layer.name for layer in internals.all_layers(nested)]
    assert {"deep", "last", nested.name} <= set(names), broke("all_layers", "inner layers and the network itself")
    assert len(set(names)) == len(names), broke("all_layers", "each layer once")
    without = [layer.name for layer in internals.all_layers(nested, include_self=False)]
    assert set(without) == set(names) - {nested.name}, broke(
        "all_layers", "include_self to leave out the network alone"
    )


def test_nodes(nested):
    calls = [node for node in internals.nodes(nested) if node.operation.name == "last"]
    assert len(calls) == 1, broke("nodes", "one node of each call, with its operation")
    assert calls[0].outputs[0] is nested.outputs[0], broke("nodes", "the tensors of the model as a node's outputs")
    takes_labels = [node for node in internals.nodes(nested) if any(t is nested.inputs[1] for t in node.input_tensors)]
    assert len(takes_labels) == 1, broke("nodes", "the tensors of the model as input_tensors of a node")


def test_replace_moments():
    layer = keras.layers.BatchNormalization(center=False, scale=False, epsilon=0)
    layer.build((None, 3, 2))
    internals.replace_moments(layer, lambda x, axes: (tf.ones(2) * len(axes), 4 * tf.ones(2)))
    x = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    np.testing.assert_allclose(
        layer(x, training=True),
        (x - 2) / 2,
        rtol=1e-6,
        err_msg=broke("replace_moments", "the given moments, in training"),
    )
    masked = layer(x, training=True, mask=np.ones((5, 3), bool))
    np.testing.assert_allclose(
        masked, (x - x.mean((0, 1))) / x.std((0, 1)), rtol=1e-3, err_msg=broke("replace_moments", "Keras' own, masked")
    )


def test_call_of(nested):
    operation, number, arguments, keywords = internals.call_of(nested.outputs[0])
    assert operation is nested.get_layer("last"), broke("call_of", "the layer that made the output")
    assert (number, keywords) == (0, {}), broke("call_of", "the number of the output, and keywords of the call")
    assert tuple(arguments[0].shape) == (None, 4), broke("call_of", "the tensors that the layer was called with")
    operation, *_ = internals.call_of(nested.inputs[0])
    assert isinstance(operation, keras.layers.InputLayer), broke("call_of", "an InputLayer for an input")


def test_is_one_hot(nested):
    found = [node.operation for node in internals.nodes(nested) if internals.is_one_hot(node.operation)]
    assert len(found) == 1, broke("is_one_hot", "the operation of keras.ops.one_hot alone to have the class OneHot")


def test_seed_generators():
    dropout = keras.layers.Dropout(0.5, seed=3)
    found = internals.seed_generators(dropout)
    assert [type(generator) for generator in found] == [keras.random.SeedGenerator], broke(
        "seed_generators", "the one of Dropout"
    )


def test_replace_next():
    dropout, drawn = keras.layers.Dropout(0.5, seed=3), []

    def made(draw):
        def draw_and_note(ordered=True):
            drawn.append(ordered)
            return draw(ordered)

        return draw_and_note

    [generator] = internals.seed_generators(dropout)
    internals.replace_next(generator, made)
    dropout(np.ones((2, 2)), training=True)
    assert drawn == [True], broke("replace_next", "a layer to draw its seed by `next` of the object, in order")
    assert generator.state.numpy()[1] == 1, broke("replace_next", "Keras' own `next` to count on")


def test_random_states(nested):
    before = [state.numpy() for state in internals.random_states(nested)]
    assert len(before) == 1, broke("random_states", "one state, that of Dropout")
    nested([np.ones((2, 4)), np.zeros(2)], training=True)
    after = internals.random_states(nested)[0].numpy()
    assert not np.array_equal(before[0], after), broke("random_states", "a state that moves when Dropout draws")


def test_separate_losses():
    layer = keras.layers.ActivityRegularization(l1=1.0)
    network = keras.Sequential([keras.Input((1,)), layer])
    internals.separate_losses(layer)
    network(np.full((1, 1), 5.0))
    network(np.full((1, 1), 2.0))
    found = []

    def of_another_thread():
        found.append(network.losses)
        network(np.full((1, 1), 3.0))
        found.append([float(loss) for loss in network.losses])

    other = threading.Thread(target=of_another_thread)
    other.start()
    other.join()
    expected = "the losses of the last call of the same thread"
    assert found == [[], [3.0]], broke("separate_losses", expected)
    assert [float(loss) for loss in network.losses] == [2.0], broke("separate_losses", expected)


def test_learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    found = internals.learning_rate(keras.optimizers.SGD(schedule))
    assert found is schedule, broke("learning_rate", "the schedule itself")
    found = internals.learning_rate(keras.optimizers.SGD(0.25))
    assert isinstance(found, keras.Variable), broke("learning_rate", "a rate that is a number to be a variable")
    assert float(found.numpy()) == 0.25


@pytest.mark.parametrize("clip", [{"clipnorm": 1.0}, {"clipvalue": 0.7}, {"global_clipnorm": 1.0}])
def test_clipped(clip):
    gradients = [tf.constant([3.0, 4.0]), tf.constant([0.1])]
    expected = {
        "clipnorm": [[0.6, 0.8], [0.1]],
        "clipvalue": [[0.7, 0.7], [0.1]],
        "global_clipnorm": [np.array([3, 4]) / np.sqrt(25.01), np.array([0.1]) / np.sqrt(25.01)],
    }
    found = internals.clipped(keras.optimizers.SGD(**clip), gradients)
    for ours, theirs in zip(found, expected[next(iter(clip))], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, err_msg=broke("clipped", f"gradients clipped by {clip}"))


@pytest.mark.parametrize(("batches", "expected"), [(0, False), ((2, 3), True)])
def test_profiles_batches(tmp_path, monkeypatch, batches, expected):
    monkeypatch.setattr(keras.callbacks.TensorBoard, "_start_profiler", lambda *_, **__: None)  # which takes seconds
    monkeypatch.setattr(keras.callbacks.TensorBoard, "_stop_profiler", lambda *_, **__: None)
    found = internals.profiles_batches(keras.callbacks.TensorBoard(tmp_path, profile_batch=batches))
    assert found is expected, broke("profiles_batches", f"{expected} with profile_batch={batches}")


def test_strategy_of(two_replicas):
    def built():
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    assert internals.strategy_of(built()) is None, broke("strategy_of", "None outside a strategy")
    with two_replicas.scope():
        within = built()
    assert internals.strategy_of(within) is two_replicas, broke("strategy_of", "the strategy that the model is of")


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_built_when_made(method):
    asked, built = [], []

    class Noting(internals.BuiltInConstructor):
        def _maybe_symbolic_build(self, iterator=None, data_batch=None):
            asked.append(method)
            return super()._maybe_symbolic_build(iterator, data_batch)

        def check_compiled(self):
            assert self.compiled

    class Model(Noting, keras.Model):
        def _symbolic_build(self, iterator=None, data_batch=None):
            built.append(method)

        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Model()
    model.compile(loss="mse")
    batch = np.ones((4, 1), np.float32)
    getattr(model, method)(batch, batch, **({"verbose": 0} if method in ("fit", "evaluate") else {}))
    assert asked == [method], broke("BuiltInConstructor", f"{method} to ask `_maybe_symbolic_build` once")
    assert built == [], broke("BuiltInConstructor", f"{method} to build by that method alone")


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_asks_whether_it_is_compiled(method):
    class Model(internals.BuiltInConstructor, keras.Model):
        def check_compiled(self):
            raise LookupError("not compiled")

    with pytest.raises(LookupError, match="not compiled"):
        getattr(Model(), method)(np.ones((4, 1)))


ASK = """
import tensorflow as tf
from keras_gan_zoo.core.keras_internals import spans_several_processes
print(spans_several_processes(tf.distribute.MultiWorkerMirroredStrategy()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_spans_several_processes(workers):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(workers)]
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    processes = []
    for index in range(workers):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        environment = {**os.environ, "TF_CONFIG": config}
        command = [sys.executable, "-c", ASK]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert said == [str(workers > 1)] * workers, broke("spans_several_processes", f"{workers > 1} of {workers} workers")


def test_spans_several_processes_is_asked_of_any_strategy(two_replicas):
    found = internals.spans_several_processes(two_replicas)
    assert found is False, broke("spans_several_processes", "False of replicas in one process")


# --- no private parts elsewhere
OF_PYTHON = {("__init__.py", "_initializing")}  # of the import system, not of Keras
ROOM = "core/keras_internals.py"


def test_changed_by():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return (np.full((2, 1), index),)

    adapter = internals.changed_by(lambda dataset: dataset.skip(1), Batches())
    read = [int(batch[0, 0]) for (batch,) in adapter.get_tf_dataset()]
    assert read == [1, 2], broke("changed_by", "get_tf_dataset of Keras' adapter, which fit takes in place of a source")
    assert adapter.num_batches == 3, broke("changed_by", "the adapter of the source")


def is_private(name) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.endswith("__")


def is_self(node: ast.expr) -> bool:
    """`self`, `cls` or `super()`."""
    node = node.func if isinstance(node, ast.Call) else node
    return isinstance(node, ast.Name) and node.id in ("self", "cls", "super")


def defined_in(tree: ast.Module) -> set[str]:
    """Private names that a module gives: functions, classes, variables, attributes of `self`."""
    found = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    return {name for name in found | {node.attr for node in stored if is_self(node.value)} if is_private(name)}


def private_uses(tree: ast.Module):
    """(object, name, line) of attributes, by a dot or by getattr and its like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.value, node.attr, node.lineno
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1
        if is_call and node.func.id in ("getattr", "setattr", "hasattr", "delattr"):
            name = getattr(node.args[1], "value", None)
            if is_private(name):
                yield node.args[0], name, node.lineno


def private_imports(tree: ast.Module):
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if f"{name}.".startswith(("keras.src.", "tensorflow.python.", "tensorflow.core.")):
                yield name, node.lineno


def foreign_uses(sources: dict[str, str]) -> list[tuple[str, str]]:
    """(module, what it says) of private parts that none of the modules defined."""
    trees = {path: ast.parse(source) for path, source in sources.items()}
    ours = set().union(*map(defined_in, trees.values()))
    found = []
    for path, tree in trees.items():
        of_module = defined_in(tree)
        for of, name, line in private_uses(tree):
            if name not in (ours if is_self(of) else of_module) and (path, name) not in OF_PYTHON:
                found.append((path, f"{path}:{line} {ast.unparse(of)}.{name}"))
        found += [(path, f"{path}:{line} import {name}") for name, line in private_imports(tree)]
    return found


def of_package() -> list[tuple[str, str]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return [(path, use) for path, use in foreign_uses(sources) if path != ROOM]


def test_private_parts_of_others_are_used_in_one_module_alone():
    found = [use for _, use in of_package()]
    assert not found, (
        "Private attributes of other libraries belong in core/keras_internals.py, with a test: " + "; ".join(found)
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("model._nodes", ["a.py:1 model._nodes"]),
        ("model._nodes = 1", ["a.py:1 model._nodes"]),
        ("self._strategy", ["a.py:1 self._strategy"]),
        ("super()._strategy", ["a.py:1 super()._strategy"]),
        ("getattr(model, '_nodes', None)", ["a.py:1 model._nodes"]),
        ("from keras.src.models import Functional", ["a.py:1 import keras.src.models"]),
        ("import tensorflow.python", ["a.py:1 import tensorflow.python"]),
        ("self._strategy = 1; self._strategy", []),
        ("self._of_the_other_module", []),
        ("other._of_the_other_module", ["a.py:1 other._of_the_other_module"]),
        ("def _own(self): return self\nmoments._own()", []),
        ("model.__class__", []),
    ],
)
def test_what_counts_as_private(source, found):
    other = "def _of_the_other_module(self): return self"
    assert [use for _, use in foreign_uses({"a.py": source, "b.py": other})] == found


def test_tensorflow_has_started(monkeypatch):
    tf.constant(1.0)
    assert internals.tensorflow_has_started(), broke("tensorflow_has_started", "True after an operation")
    monkeypatch.delitem(sys.modules, "tensorflow.python.eager.context")
    assert not internals.tensorflow_has_started()


@pytest.mark.slow
def test_tensorflow_has_not_started_when_it_was_only_imported():
    code = (
        "import keras, tensorflow; from keras_gan_zoo.core.keras_internals import tensorflow_has_started as started;"
        "before = started(); tensorflow.constant(1.0); print(before, started())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "False True\n", broke("tensorflow_has_started", "False after the import alone")


def test_omit_tracing_warnings():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for make, made in (("make_test_function", "test_function"), ("make_predict_function", "predict_function")):
        getattr(model, make)()
        function = getattr(model, made)
        internals.omit_tracing_warnings(function)
        cells = (
            [cell.cell_contents for cell in function.__closure__ or ()] if inspect.isfunction(function) else [function]
        )
        flags = [part._omit_frequent_tracing_warning for part in cells if hasattr(part, "python_function")]
        assert flags == [True], broke("omit_tracing_warnings", f"one compiled function in {made}")


def our_classes() -> set[type]:
    names = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], "keras_gan_zoo.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    classes = {value for module in modules for value in vars(module).values() if inspect.isclass(value)}
    return {each for each in classes if each.__module__.startswith("keras_gan_zoo.")}


def overridden() -> set[tuple[str, str]]:
    """(module, name) of private methods by which our classes replace those of Keras or TensorFlow."""
    found = set()
    for each in our_classes():
        foreign = [base for base in each.__mro__ if base.__module__.startswith(("keras.", "tensorflow."))]
        for base in set(each.__mro__) - set(foreign) - {object}:
            names = {name for name in vars(base) if is_private(name) and any(name in vars(other) for other in foreign)}
            found |= {(base.__module__, name) for name in names if base.__module__.startswith("keras_gan_zoo.")}
    return found


def test_no_class_replaces_private_methods_elsewhere():
    found = {(module, name) for module, name in overridden() if module != "keras_gan_zoo.core.keras_internals"}
    assert not found, f"Private methods of Keras are replaced in core/keras_internals.py alone, not by {sorted(found)}"
    assert "_maybe_symbolic_build" in {name for _, name in overridden()}, "what this test looks for was not found"
