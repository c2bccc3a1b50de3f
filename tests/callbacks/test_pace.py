import pytest

from keras_gan_zoo import callbacks
from keras_gan_zoo.callbacks import pace


@pytest.fixture
def clock(monkeypatch):
    """A clock to be set, in seconds."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def seen(clock, begin, *looks):
    found = pace.Pace(begin)
    for seconds, steps in looks:
        clock[0] = seconds
        found.look(steps)
    return found


def test_the_first_execution_does_not_count(clock):
    """In it the graph is built."""
    assert seen(clock, 0, (60, 1), (61, 21)).steps_per_second == 20


def test_steps_that_a_resumed_run_skips_do_not_count(clock):
    assert seen(clock, 100, (0.1, 100), (0.2, 100), (50, 101), (52, 141)).steps_per_second == 20


@pytest.mark.parametrize(
    ("looks", "is_known"),
    [
        ([], False),
        ([(10, 1)], False),
        ([(10, 64)], False),
        ([(10, 1), (11, 20)], False),
        ([(10, 1), (11, 21)], True),
        ([(10, 1), (16, 2)], True),
        ([(10, 64), (10.5, 128)], True),
    ],
)
def test_a_few_steps_or_seconds_are_enough(clock, looks, is_known):
    found = seen(clock, 0, *looks)
    assert found.is_known == is_known
    if len(looks) < 2:
        assert found.steps_per_second is None


def test_keras_bar_is_not_broken_by_the_estimate(tiny, images, capsys):
    """It is printed once, between two epochs."""
    tiny("dcgan").fit(images, batch_size=8, epochs=12, callbacks=[callbacks.TimeLeft()], verbose=2)
    lines = capsys.readouterr().out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("time ")]
    assert lines[at + 1].startswith("Epoch ")
    epoch = int(lines[at + 1].split()[1].split("/")[0])
    assert f"left for {(12 - epoch + 1) * 5} steps" in lines[at]
