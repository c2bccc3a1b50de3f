"""How many modes of a mixture each variant finds, by the protocol of PacGAN (Lin et al., 2018).

    python -m tests.benchmarks.modes                     both sets, every row, five seeds: about an hour on two cores
    python -m tests.benchmarks.modes --only relativistic --sets ring8 --seeds 2

2,500 samples; one is of high quality if it lies within three standard deviations of a mode, and a mode is found if it
is the nearest of at least one such sample. Every row has the same networks (three hidden layers of 128), noise of two
values, minibatches of 256, 8,000 generator steps (3,000 for the Wasserstein GANs, whose critics take five times more)
at a learning rate that falls to zero along a cosine, and an averaged generator (0.999). Each run is a process with one
thread.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STEPS, STEPS_OF_CRITICS, MINIBATCH = 8_000, 3_000, 256
ADAM = {"class_name": "Adam", "config": {"learning_rate": 1e-3, "beta_1": 0.5, "beta_2": 0.999}}
ADAM_0 = {"class_name": "Adam", "config": {"learning_rate": 3e-3, "beta_1": 0.0, "beta_2": 0.99}}
RMSPROP = {"class_name": "RMSprop", "config": {"learning_rate": 1e-3}}

# What distinguishes a row: the variant, its arguments, the optimizer of both players.
ROWS = {
    "gan": ("gan", {}, ADAM),
    "gan, packing 2": ("gan", {"packing": 2}, ADAM),
    "gan, relativistic, r1 and r2": ("gan", {"loss": "relativistic", "r1": 0.1, "r2": 0.1}, ADAM_0),
    "conditional_gan": ("conditional_gan", {}, ADAM),
    "wgan": ("wgan", {"clip": 0.1}, RMSPROP),
    "wgan_gp": ("wgan_gp", {"penalty_weight": 0.1}, ADAM_0),
    "fgan, jensen_shannon": ("fgan", {"generator_objective": "non_saturating"}, ADAM),
}


def run(row: str, data: str, seed: int, steps: int | None) -> dict:
    """One training run and its score."""
    import tensorflow as tf

    import keras_gan_zoo as kgz
    from keras_gan_zoo import metrics

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    variant, arguments, optimizer = ROWS[row]
    points = kgz.data.load(data)
    classes = points.num_classes if variant == "conditional_gan" else None
    gan = kgz.VARIANTS[variant].for_images(
        (2,), 2, classes, architecture="mlp", ema_decay=0.999, seed=seed, **arguments
    )

    steps = steps or (STEPS if gan.discriminator_steps == 1 else STEPS_OF_CRITICS)
    # A learning rate falls with the steps of its own player, of which the critic takes several for each generator step.
    gan.compile(falling(optimizer, steps), falling(optimizer, steps * gan.discriminator_steps))
    gan.fit(points, batch_size=MINIBATCH * gan.discriminator_steps, steps_per_epoch=steps, verbose=0)
    found = metrics.mode_coverage(gan.sample(2500, seed=1), points.centers, points.std)
    return {"row": row, "data": data, "seed": seed, "steps": steps, "modes": found.modes, "share": found.high_quality}


def falling(optimizer: dict, steps: int):
    """A new optimizer whose learning rate falls to zero in so many steps."""
    import keras

    config = optimizer["config"]
    rate = keras.optimizers.schedules.CosineDecay(config["learning_rate"], steps)
    return getattr(keras.optimizers, optimizer["class_name"])(**{**config, "learning_rate": rate})


def table(results: list[dict]) -> str:
    """Mean and standard error over the seeds, as Markdown."""
    import numpy as np

    def entry(row, data, key, scale):
        values = [scale * result[key] for result in results if (result["row"], result["data"]) == (row, data)]
        if not values:
            return ""
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
        return f"{np.mean(values):.1f} ± {error:.1f}"

    lines = [
        "| | ring8: modes of 8 | high quality, % | grid25: modes of 25 | high quality, % |",
        "|---|---|---|---|---|",
    ]
    for row in ROWS:
        entries = [
            entry(row, data, *figure) for data in ("ring8", "grid25") for figure in (("modes", 1), ("share", 100))
        ]
        lines.append(f"| {row} | {' | '.join(entries)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--sets", nargs="+", default=["ring8", "grid25"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="generator steps of every row, instead of those above")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, help="a file that keeps each run's result, and spares it next time")
    parser.add_argument("--run", nargs=3, metavar=("ROW", "SET", "SEED"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        row, data, seed = arguments.run
        print(json.dumps(run(row, data, int(seed), arguments.steps)))
        return

    kept = (
        arguments.results.read_text(encoding="utf-8").splitlines()
        if arguments.results and arguments.results.exists()
        else []
    )
    results = [json.loads(line) for line in kept]
    done = {(result["row"], result["data"], result["seed"]) for result in results}
    jobs = [(row, data, seed) for seed in range(arguments.seeds) for data in arguments.sets for row in ROWS]
    jobs = [job for job in jobs if arguments.only in job[0] and job not in done]

    def run_apart(job):
        steps = ["--steps", str(arguments.steps)] if arguments.steps else []
        command = [sys.executable, "-m", __spec__.name, *steps, "--run", *map(str, job)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
        output = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
        if output.returncode:
            raise RuntimeError(f"{job} failed:\n{output.stderr}")
        result = json.loads(output.stdout.splitlines()[-1])
        print(f"{result['row']:30} {result['data']:7} seed {result['seed']}: ", end="")
        print(f"{result['modes']:2} modes, {100 * result['share']:.1f} % of high quality", flush=True)
        if arguments.results:
            with arguments.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
        return result

    with ThreadPoolExecutor(arguments.processes) as pool:
        results += pool.map(run_apart, jobs)
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
