import io
import re

import pytest
from rich.console import Console

from keras_gan_zoo import callbacks
from keras_gan_zoo.callbacks import logs


def test_pictures_every_other_epoch(tiny, images, tmp_path):
    pictures = callbacks.SamplePictures(tmp_path / "new", n=4, every=2)
    tiny("dcgan").fit(images, batch_size=8, epochs=5, callbacks=[pictures], verbose=0)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "epoch_0002.png",
        "epoch_0004.png",
        "history.gif",
    }


def test_progress_prints_lines_where_there_is_no_terminal(tiny, images, capsys):
    tiny("dcgan").fit(images, batch_size=8, epochs=60, callbacks=[callbacks.Progress()], verbose=0)
    lines = capsys.readouterr().out.splitlines()
    assert 15 <= len(lines) <= callbacks.Progress.LINES + 2
    assert lines[0].startswith("epoch    1/60   d_loss ")
    assert lines[-1].startswith("epoch   60/60")
    assert lines[-1].endswith("left 0:00")
    [estimate] = [line for line in lines if line.startswith("time")]
    assert re.fullmatch(r"time      about .* left for \d+ steps \(.* steps/s\)", estimate)


def test_progress_is_a_bar_on_a_terminal(tiny, images, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda: Console(file=screen, force_terminal=True, width=120))
    progress = callbacks.Progress()
    tiny("dcgan").fit(images, batch_size=8, epochs=2, callbacks=[progress], verbose=0)
    assert "2/2" in screen.getvalue()
    assert "d_loss" in screen.getvalue()


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.7, "1:00"), (3725, "62:05")])
def test_clock(seconds, shown):
    assert logs._clock(seconds) == shown
