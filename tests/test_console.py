import os

from keras_gan_zoo import console

TALK = (
    "I0000 00:00:1.1 1 port.cc:153] oneDNN custom operations are on. You may see slightly different numerical results"
)


def test_talk_is_dropped_and_errors_pass(capfd):
    with console.without_talk():
        os.write(2, f"{TALK}\nE0000 something broke\na warning of Python's\n".encode())
    assert capfd.readouterr().err == "E0000 something broke\na warning of Python's\n"


def test_what_was_said_before_a_crash_is_kept(capfd):
    try:
        with console.without_talk():
            os.write(2, b"E0000 the reason\n")
            raise ImportError
    except ImportError:
        pass
    assert "the reason" in capfd.readouterr().err


def test_a_closed_stderr_is_left_closed(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with console.without_talk():
        pass
