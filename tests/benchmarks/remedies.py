"""What could make a training step faster, each beside the step as it is.

Thread pools and oneDNN are chosen when TensorFlow starts, so every side is a process of its own; they take their steps
in turn. A ratio above 1 says that the remedy does more examples in the same time.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.benchmarks.cases import DCGAN_28, MLP, WGAN_GP, Case
from tests.benchmarks.measuring import CLOCK, in_turn, middle

CASES = {case.name: case for case in (DCGAN_28, WGAN_GP, MLP)}
AS_IT_IS = "as it is"
ENVIRONMENTS = {
    "without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "one operation at a time": {"TF_NUM_INTEROP_THREADS": "1"},
    "one core for each operation": {"TF_NUM_INTRAOP_THREADS": "1"},
}
COMPILED, FUSED, ONE_PASS = "compiled by XLA", "Adam in one operation per weight", "one pass over the critic"
OPERATIONS = ("batch normalisation in one operation", "images as pixels of 2x2")  # see other_operations.py
REMEDIES = (AS_IT_IS, *ENVIRONMENTS, COMPILED, FUSED, *OPERATIONS)


def remedies_of(case: Case) -> tuple[str, ...]:
    """Those that compute the same: batch normalisation has other statistics in one pass."""
    critic = case.arguments.get("discriminator_normalization")
    return (*REMEDIES, ONE_PASS) if critic == "none" else REMEDIES


def table(rounds: int) -> None:
    for name, case in CASES.items():
        workers = {remedy: Worker(name, remedy) for remedy in remedies_of(case)}
        times = in_turn({remedy: worker.step for remedy, worker in workers.items()}, rounds)
        for worker in workers.values():
            worker.close()
        print(f"{name:38} {'ratio':>5} (middle half)")
        for remedy in remedies_of(case)[1:]:
            ratios = times[AS_IT_IS][:, CLOCK] / times[remedy][:, CLOCK]
            print(f"  {remedy:36} {middle(ratios)}", flush=True)


class Worker:
    """A process that takes a training step for each line it reads."""

    def __init__(self, case: str, remedy: str):
        command = [sys.executable, "-m", "tests.benchmarks.remedies", case, remedy]
        environment = {**os.environ, **ENVIRONMENTS.get(remedy, {})}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8", bufsize=1, env=environment)

    def step(self) -> None:
        self.process.stdin.write("step\n")
        if not self.process.stdout.readline():
            raise RuntimeError(f"The process of {self.process.args[-1]!r} ended with {self.process.wait()}.")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def turn(case: Case, remedy: str) -> Callable:
    """One training step of ours, with the remedies that are not in the environment."""
    import keras_gan_zoo as kgz
    from tests.benchmarks import other_operations, ours

    if remedy in OPERATIONS:
        other_operations.use(remedy)
    gan = ours.model(case, ours.players(case))
    if remedy == ONE_PASS:
        gan.judge = lambda *examples: judge_in_one_pass(gan, *examples)
    if remedy in (COMPILED, FUSED):
        optimizers = [fused_adam(**case.optimizer[1]) for _ in range(2)] if remedy == FUSED else ours.optimizers(case)
        gan.compile(*optimizers, jit_compile=remedy == COMPILED)
    return ours.one_step(gan, iter(kgz.data.Dataset(case.examples()).batches(case.batch_size, seed=0)))


def judge_in_one_pass(gan, real, fake, condition):
    """Scores of both in one batch, for a model without conditions and without R1 and R2."""
    import tensorflow as tf

    real_scores, fake_scores = tf.split(gan.score(tf.concat([real, fake], axis=0), condition), 2)
    return real_scores, fake_scores, 0.0


def fused_adam(**arguments):
    """Keras' Adam, updating a weight and its two moments by one operation of TensorFlow in place of fourteen."""
    import keras
    import tensorflow as tf

    class FusedAdam(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            index, step = self._get_variable_index(variable), tf.cast(self.iterations + 1, tf.float32)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=self.beta_1**step,
                beta2_power=self.beta_2**step,
                lr=learning_rate,
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=gradient,
            )

    return FusedAdam(**arguments)


def main() -> None:
    case, remedy = sys.argv[1:]
    step = turn(CASES[case], remedy)
    for _ in sys.stdin:
        step()
        print("done", flush=True)


if __name__ == "__main__":
    main()
