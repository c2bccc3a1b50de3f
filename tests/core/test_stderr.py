import os

import pytest

from keras_gan_zoo.core.stderr import without_talk

TALK = (
    "I0000 00:00:1.1 1 port.cc:153] oneDNN custom operations are on. You may see slightly different numerical results"
)


def test_talk_is_dropped_and_errors_pass(capfd):
    with without_talk():
        os.write(2, f"{TALK}\nE0000 something broke\na warning of Python's\n".encode())
    assert capfd.readouterr().err == "E0000 something broke\na warning of Python's\n"


FAILED = "E0000 00:00:1.1 1 cuda_platform.cc:51] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: "


@pytest.mark.parametrize(
    ("line", "is_talk"),
    [
        ("I0000 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.", True),
        (f"{FAILED}CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected", True),
        (f"{FAILED}UNKNOWN ERROR (303)", True),
        (f"{FAILED}CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: system has unsupported display driver / cuda driver", False),
        (f"{FAILED}CUDA_ERROR_UNKNOWN: unknown error", False),
        ("E0000 cuda_dnn.cc:8310] Unable to register cuDNN factory: Attempting to register factory for plugin", True),
        ("W0000 gpu_device.cc:2341] Cannot dlopen some GPU libraries. Skipping registering GPU devices...", False),
        ("E0000 gpu_cudamallocasync_allocator.cc:320] The cuda drivers are too old", False),
    ],
)
def test_a_gpu_that_fails_is_not_talk(capfd, line, is_talk):
    with without_talk():
        os.write(2, f"{line}\n".encode())
    assert capfd.readouterr().err == ("" if is_talk else f"{line}\n")


def test_what_was_said_before_a_crash_is_kept(capfd):
    try:
        with without_talk():
            os.write(2, b"E0000 the reason\n")
            raise ImportError
    except ImportError:
        pass
    assert "the reason" in capfd.readouterr().err


def test_a_closed_stderr_is_left_closed(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with without_talk():
        pass
