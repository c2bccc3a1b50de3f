"""The smoke test of devices, on the CPU."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.benchmarks import device
from tests.benchmarks.cases import DCGAN_28
from tests.helpers import slow


def test_checks_pass_or_fail_or_say_why_they_are_not_made(monkeypatch, capsys):
    monkeypatch.setitem(device.MOST, "mixed_bfloat16", 1e-9)
    assert device.run(["gan"], "CPU:0", None, ["float16", "bfloat16", "2 replicas"]) == 1
    head, row, _, failed, missing, summary = capsys.readouterr().out.splitlines()
    assert re.split(r" {2,}", head) == ["CPU:0", "float16", "bfloat16", "2 replicas"]
    assert re.fullmatch(r"gan +\de-0\d +FAILED +not here", row)
    assert re.match(r"FAILED: gan, bfloat16: AssertionError: the \w+ moves otherwise than on the CPU: by 0\.", failed)
    assert missing == "not here: 2 replicas: there is one CPU"
    assert summary == "Checks that failed: 1."
    assert device.run(["gan"], "CPU:0", None, ["float16"], minutes=0) == 0
    assert "not here: float16: 0 minutes are over; --minutes gives it more" in capsys.readouterr().out


def test_the_largest_difference_counts():
    expected = {"one": np.array([3.0, 4.0]), "other": np.array([0.0, 2.0])}
    moves = {"one": np.array([3.0, 4.5]), "other": np.array([0.0, 1.0])}
    assert device.difference(moves, expected, 0.51) == "5e-01"
    with pytest.raises(AssertionError, match=r"the other moves otherwise than on the CPU: by 0\.5, not at most 0\.49"):
        device.difference(moves, expected, 0.49)
    with pytest.raises(AssertionError, match="the one moves"):  # a player that is lost
        device.difference({**moves, "one": np.array([3.0, np.nan])}, expected, 0.51)


def test_xla_on_replicas_is_not_checked_where_keras_has_none():
    with pytest.raises(device.NotHereError, match="XLA cannot reach the variables of other replicas"):
        device.Subject("gan", "CPU:0", None).on_replicas(jit_compile=True)


def test_a_machine_without_the_device_says_what_runs_there(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["device", "--device", "GPU:77"])
    with pytest.raises(SystemExit, match=r"^TensorFlow finds no GPU:77 here; .* --device CPU:0 makes the same checks"):
        device.main()


@pytest.mark.parametrize(
    ("variants", "checks"),
    [slow([*kgz.VARIANTS], ["step", "float16", "bfloat16"]), slow(["dcgan"], [*device.CHECKS])],
    ids=["every variant", "every check"],
)
def test_all_pass_on_the_cpu(monkeypatch, two_replicas, capsys, variants, checks):
    small = replace(DCGAN_28, arguments={"width": 4}, batch_size=8)
    monkeypatch.setattr(device, "TIMED", {"dcgan": small})
    monkeypatch.setattr(device, "ROUNDS", 1)
    assert device.run(variants, "CPU:0", two_replicas, checks) == 0, capsys.readouterr().out
