"""ONNX files of other origin: what they may not do."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.onnx_file import OnnxFile

NOISE = helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["batch", 4])
IMAGES = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 4])
YES = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("yes", TensorProto.BOOL, [], [True]))


def model(nodes, initializers=()) -> bytes:
    graph = helper.make_graph(nodes, "generator", [NOISE], [IMAGES], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def outside(name: str) -> TensorProto:
    """Weights whose numbers are in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="secret.bin")
    return tensor


def branch(*nodes, initializers=()):
    images = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "branch", [], [images], initializers)


ADD = helper.make_node("Add", ["noise", "w"], ["images"])
INNER = helper.make_node("Add", ["noise", "w"], ["inner"])
EXTERNAL = {
    "weight": model([ADD], [outside("w")]),
    "constant": model([helper.make_node("Constant", [], ["w"], value=outside("w")), ADD]),
    "weight of a branch": model(
        [
            YES,
            helper.make_node(
                "If",
                ["yes"],
                ["images"],
                then_branch=branch(INNER, initializers=[outside("w")]),
                else_branch=branch(helper.make_node("Identity", ["noise"], ["inner"])),
            ),
        ]
    ),
}


@pytest.mark.parametrize("place", EXTERNAL)
def test_no_other_file_is_read(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (tmp_path / "g.onnx").write_bytes(EXTERNAL[place])
    with pytest.raises(InputError, match=r"ONNX model in one file.*weights are in secret\.bin.*Write it with its"):
        OnnxFile("g.onnx")
    onnx.save(onnx.load("g.onnx"), "g.onnx", save_as_external_data=False)  # as the message says
    np.testing.assert_array_equal(OnnxFile("g.onnx").sample_from(np.ones((1, 4))), [[1, 2, 3, 4]])


def endless() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Identity", ["before"], ["after"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, ["batch", 4]),
        ],
        [
            helper.make_tensor_value_info("goes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, ["batch", 4]),
        ],
    )
    return model([YES, helper.make_node("Loop", ["", "yes", "noise"], ["images"], body=body)])


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_ends_an_endless_model(tmp_path):
    (tmp_path / "endless.onnx").write_bytes(endless())
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in the background
        "import numpy as np; from keras_gan_zoo.onnx_file import OnnxFile; g = OnnxFile('endless.onnx'); "
        "print('runs', flush=True); g.sample_from(np.ones((1, 4)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == "runs\n"
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=30)
        finally:
            process.kill()
    assert error.rstrip().endswith("KeyboardInterrupt")
