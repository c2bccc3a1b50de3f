"""A smoke test of a GPU: does every variant train on it, and as it does on the CPU?

    python -m tests.benchmarks.device                 the first GPU, in five minutes; exit code 1 if a check failed
    python -m tests.benchmarks.device --device CPU:0  the same checks where there is no GPU

Every variant is built with tiny networks, and takes two steps of SGD from the same weights, on the same examples and
noise. What is compared is how far these steps move the weights of each player, as ||a - b|| / ||b||, where b is of the
same steps on the CPU, one operation at a time. The table shows the largest difference of the players.

- Step, XLA, replicas: at most 1e-3. In float32 every operation rounds by up to 6e-8, and sums in an order that devices
  and compilers choose; cancellation, small deviations that are divided by, and a second step multiply this. Graphs, XLA
  and two replicas on one CPU differ by up to 2e-5 from single operations. TF32, which rounds factors by up to 5e-4, is
  turned off.
- Half precision, beside float32: float16 rounds by up to 5e-4 and may differ by 0.4, bfloat16 by up to 4e-3 and may
  differ by 0.8. On a CPU they differ by up to 0.2 and 0.5; a step that has nothing to do with the right one differs
  by 1 or more. This finds steps that overflow, stand still or go elsewhere, and nothing finer.
- ONNX, SavedModel: what `export` allows between the file and Keras, with TF32 as it is by default.

XLA makes other floats of random bits, and other masks of Dropout. Where compilers or precisions are compared, noise is
therefore made of bits, and Dropout is turned off. Images per second are of the networks for 28x28, beside the same step
written by hand in Keras: above 1, ours is faster; in brackets the middle half of the rounds.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_execution
from tests import equality
from tests.benchmarks import hand_written, ours
from tests.benchmarks.cases import DCGAN_28, WGAN_GP
from tests.benchmarks.measuring import CLOCK, in_turn

MOST = {"float32": 1e-3, "mixed_float16": 0.4, "mixed_bfloat16": 0.8}  # differences that pass
STEPS, BATCH = 2, equality.BATCH  # two, because some variants begin with a step that leaves a player out
TIMED = {"dcgan": DCGAN_28, "wgan_gp": WGAN_GP}
ROUNDS = 20

NOT_HERE, FAILED = "not here", "FAILED"
Moves = dict[str, np.ndarray]  # how far weights moved: a vector for each player


class NotHereError(Exception):
    """What cannot be checked here. The message is the reason."""


class Subject:
    """A variant on a device.

    Args:
        variant: A key of `kgz.VARIANTS`.
        device: Such as "GPU:0".
        replicas: A strategy of two replicas on such devices; None if there is only one.
    """

    def __init__(self, variant: str, device: str, replicas: tf.distribute.Strategy | None):
        self.variant, self.device, self.replicas = variant, device, replicas
        self.kind = kgz.VARIANTS[variant]
        self.conditional = equality.takes_classes(self.kind)  # which needs more operations than without labels

    @cached_property
    def on_cpu(self) -> Moves:
        return self.moves(scope_of("CPU:0"), run_eagerly=True)

    @cached_property
    def on_cpu_from_bits(self) -> Moves:
        return self.moves(scope_of("CPU:0"), from_bits=True, run_eagerly=True)

    def moves(self, scope, policy: str = "float32", from_bits: bool = False, **execution) -> Moves:
        """How far the steps move the weights of each player."""
        with scope, policy_of(policy), without_tf32():
            gan = self.built()
            if from_bits:
                draw_from_bits(gan)
            gan.compile(*[optimizer(policy) for _ in gan.players], steps_per_execution=1, **execution)
            before = weights_of(gan)
            gan.fit(*self.batch(gan), batch_size=BATCH, epochs=STEPS, verbose=0)
            return {name: after - before[name] for name, after in weights_of(gan).items()}

    def built(self) -> keras.Model:
        """With weights that matter: none is 0, and WGAN clips few of the critic's."""
        gan = equality.build(self.variant, self.conditional)
        for name, player in gan.players.items():
            most = 0.005 if isinstance(gan, kgz.WGAN) and name == "discriminator" else 0.3
            for number, weight in enumerate(player.network.trainable_variables):
                spread = min(most, float(np.prod(weight.shape[:-1])) ** -0.5)  # sums of many inputs must not overflow
                weight.assign(np.random.default_rng(number).normal(0, spread, weight.shape))
        return gan

    def batch(self, gan: keras.Model) -> tuple:
        images = np.random.default_rng(0).uniform(-1, 1, (BATCH, 8, 8, 1)).astype(np.float32)
        conditions = equality.conditions_of(self.kind, np.arange(BATCH) % equality.CLASSES, gan.conditional)
        return equality.given(self.kind, images, conditions)

    # --------------------------------------------------------------------------- checks, which say what they found

    def step(self) -> str:
        with scope_of(self.device):
            places = {weight.value.device for weight in self.built().trainable_variables}
        if not all(place.endswith(self.device) for place in places):
            raise AssertionError(f"weights are on {', '.join(sorted(places))}")
        return difference(self.moves(scope_of(self.device), jit_compile=False), self.on_cpu, MOST["float32"])

    def half(self, policy: str) -> str:
        moves = self.moves(scope_of(self.device), policy, from_bits=True, run_eagerly=True)
        return difference(moves, self.on_cpu_from_bits, MOST[policy])

    def xla(self) -> str:
        moves = self.moves(scope_of(self.device), from_bits=True, jit_compile=True)
        return difference(moves, self.on_cpu_from_bits, MOST["float32"])

    def on_replicas(self, **execution) -> str:
        try:
            check_execution(2, **execution)
        except InputError as error:
            raise NotHereError(str(error)) from error
        if self.replicas is None:
            raise NotHereError(f"there is one {self.device.partition(':')[0]}")
        return difference(self.moves(self.replicas.scope(), **execution), self.on_cpu, MOST["float32"])

    def export(self, name: str, only: Sequence[str] = tuple(kgz.VARIANTS)) -> str:
        if self.variant not in only:
            return ""
        with scope_of(self.device):
            gan = self.built()
        with tempfile.TemporaryDirectory() as folder:
            return f"{gan.export(Path(folder) / name).difference:.0e}"

    def speed(self) -> str:
        case = TIMED.get(self.variant)
        if case is None:
            return ""
        with scope_of(self.device):
            players, examples = ours.players(case), case.examples()
            turns = {"ours": ours.turn(case, players, examples), "hand": hand_written.turn(case, players, examples)}
            taken = {name: times[:, CLOCK] for name, times in in_turn(turns, ROUNDS).items()}
        low, middle, high = np.percentile(taken["hand"] / taken["ours"], [25, 50, 75])
        return f"{case.batch_size / np.median(taken['ours']):,.0f}, {middle:.2f} ({low:.2f} to {high:.2f})"


CHECKS: dict[str, Callable[[Subject], str]] = {  # in the order in which they are made
    "step": Subject.step,
    "float16": partial(Subject.half, policy="mixed_float16"),
    "bfloat16": partial(Subject.half, policy="mixed_bfloat16"),
    "ONNX": partial(Subject.export, name="generator.onnx"),
    # It is read back by another process, which shares the GPU with this one, and takes seconds to start.
    "SavedModel": partial(Subject.export, name="generator", only=["dcgan"]),
    "images/s, to Keras": Subject.speed,
    "XLA": Subject.xla,
    "2 replicas": Subject.on_replicas,
    "XLA on both": partial(Subject.on_replicas, jit_compile=True),
}


def difference(moves: Moves, expected: Moves, most: float) -> str:
    """The largest difference of the players, if it is small enough."""
    far = {name: np.linalg.norm(moves[name] - b) / np.linalg.norm(b) for name, b in expected.items()}
    name = max(far, key=lambda name: np.nan_to_num(far[name], nan=np.inf))
    if not far[name] <= most:
        raise AssertionError(f"the {name} moves otherwise than on the CPU: by {far[name]:.1g}, not at most {most:g}")
    return f"{far[name]:.0e}"


def weights_of(gan: keras.Model) -> Moves:
    return {
        name: np.concatenate([np.ravel(weight) for weight in player.network.trainable_variables])
        for name, player in gan.players.items()
    }


def optimizer(policy: str) -> keras.optimizers.Optimizer:
    sgd = keras.optimizers.SGD(0.02)
    # At this scale the first steps do not overflow, so that none is left out.
    return keras.optimizers.LossScaleOptimizer(sgd, initial_scale=128) if policy == "mixed_float16" else sgd


def draw_from_bits(gan: keras.Model) -> None:
    """Makes noise of random bits, the same by any compiler, and turns Dropout off."""

    def drawn(draws, rows, shape, stream):
        seed = tf.stack([tf.constant(gan.seed + stream, tf.int64), tf.convert_to_tensor(gan.step)])
        bits = tf.random.stateless_uniform((draws, rows, *shape), seed, None, None, tf.int32, alg="philox")
        return tf.cast(bits, tf.float32) / 2.0**31

    gan.normal = lambda draws, rows, shape, step=None: tf.unstack(drawn(draws, rows, shape, 0))
    gan.uniform = lambda draws, rows, step=None, stream=1: tf.unstack(abs(drawn(draws, rows, (), stream)))
    for player in gan.players.values():
        for layer in all_layers(player.network):
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0


def scope_of(device: str) -> contextlib.AbstractContextManager:
    """Where TensorFlow places operations on this device; as users have it if it does so by itself."""
    first = "GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"
    return contextlib.nullcontext() if device == first else tf.device(device)


@contextlib.contextmanager
def policy_of(name: str) -> Iterator[None]:
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def run(
    variants: Sequence[str], device: str, replicas=None, checks: Sequence[str] = tuple(CHECKS), minutes: float = 5
) -> int:
    """Prints the table, and below it what failed and what could not be checked; the number of failures."""
    end = time.monotonic() + 60 * minutes
    subjects = [Subject(variant, device, replicas) for variant in variants]
    cells, notes, failures = {}, [], 0
    for check in checks:
        for subject in subjects:
            cells[subject.variant, check], note = outcome(check, subject, time.monotonic() < end, minutes)
            failures += cells[subject.variant, check] == FAILED
            notes += [note] if note and note not in notes else []
        print(f"{check} after {minutes - (end - time.monotonic()) / 60:.1f} minutes", file=sys.stderr)
    rows = [[device, *checks], *([variant, *(cells[variant, check] for check in checks)] for variant in variants)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print("", *notes, f"Checks that failed: {failures}.", sep="\n")
    return failures


def outcome(check: str, subject: Subject, is_time: bool, minutes: float) -> tuple[str, str]:
    """The cell of a check, and a line about it below the table; most need none."""
    try:
        if not is_time:
            raise NotHereError(f"{minutes:g} minutes are over; --minutes gives it more")
        return CHECKS[check](subject), ""
    except NotHereError as reason:
        return NOT_HERE, f"{NOT_HERE}: {check}: {reason}"
    except Exception as error:  # whatever a device or its libraries raise is a result
        return FAILED, f"{FAILED}: {subject.variant}, {check}: {in_a_line(error)}"


def in_a_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"


def devices(kind: str) -> list[str]:
    return [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices(kind)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="GPU:0", help="such as GPU:1 or CPU:0")
    parser.add_argument("--variants", nargs="+", choices=kgz.VARIANTS, default=[*kgz.VARIANTS], metavar="VARIANT")
    parser.add_argument("--minutes", type=float, default=4.5, help="after which no further check begins")
    arguments = parser.parse_args()
    kind = arguments.device.partition(":")[0]
    if kind == "CPU":  # two, for replicas
        [cpu] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    here = devices(kind)
    if arguments.device not in here:
        sys.exit(
            f"TensorFlow finds no {arguments.device} here; python -m tests.benchmarks.device --device CPU:0 makes the "
            "same checks on the CPU."
        )
    replicas = tf.distribute.MirroredStrategy(here[:2]) if len(here) > 1 else None
    sys.exit(run(arguments.variants, arguments.device, replicas, minutes=arguments.minutes) > 0)


if __name__ == "__main__":
    main()
