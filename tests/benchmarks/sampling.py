"""64 samples as a NumPy array, from a model that was saved and loaded.

Ours is `gan.sample`. By hand: the generator is called on noise, in Keras as it is usually written, `generator(noise,
training=False)`, and in PyTorch in inference mode. Drawing the noise belongs to every side.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_gan_zoo as kgz
from tests.benchmarks import ours
from tests.benchmarks.cases import DCGAN_28, DCGAN_32, MLP, Case
from tests.benchmarks.measuring import CLOCK, HEAD_OF_RATIO, in_turn, ratio
from tests.benchmarks.steps import torch_players
from tests.benchmarks.torch_side import pytorch

SAMPLES = 64


def table(rounds: int) -> None:
    print(f"{'64 samples':36} {'':>11} {'to Keras by hand':>29}  {'to PyTorch':>29}")
    print(f"{'':36} {'samples/s':>11} {HEAD_OF_RATIO}  {HEAD_OF_RATIO}")
    for case in (MLP, DCGAN_28, DCGAN_32):
        row(case, rounds)


def row(case: Case, rounds: int) -> None:
    gan = reloaded(ours.model(case, ours.players(case)))
    noise = np.random.default_rng(0)

    def by_hand():
        drawn = noise.standard_normal((SAMPLES, *gan.latent_shape), dtype=np.float32)
        return gan.generator(drawn, training=False).numpy()

    sides = {"ours": lambda: gan.sample(SAMPLES), "hand": by_hand}
    if pytorch:
        generator, _ = torch_players(case, (gan.generator, gan.discriminator))
        sides["torch"] = lambda: pytorch.sample(generator, SAMPLES)
    times = in_turn(sides, rounds)
    rate = SAMPLES / np.median(times["ours"][:, CLOCK])
    print(f"{case.name.split(',')[0]:36} {rate:>11,.0f} {ratio(times, 'hand')}  {ratio(times, 'torch')}", flush=True)


def reloaded(gan: kgz.GAN) -> kgz.GAN:
    with tempfile.TemporaryDirectory() as folder:
        gan.save(Path(folder) / "gan.keras")
        return keras.saving.load_model(Path(folder) / "gan.keras")
