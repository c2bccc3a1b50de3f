"""What tests of our programs in JavaScript share: how they are run, what is compared, and which noise they draw."""

import math
import shutil
import subprocess

import numpy as np
import pytest

from keras_gan_zoo.pictures import to_uint8


def mulberry32(seed):
    """Uniform numbers, written from the description of the algorithm for Python's integers."""
    state, mask = seed, 2**32 - 1
    while True:
        state = (state + 0x6D2B79F5) & mask
        t = (state ^ state >> 15) * (state | 1) & mask
        t ^= (t + ((t ^ t >> 7) * (t | 61) & mask)) & mask
        yield (t ^ t >> 14) / 2**32


def noise(seed, count, length):
    """Standard normal noise (count, length), by the transform of Box and Muller."""
    uniform = mulberry32(seed)
    numbers = [
        math.sqrt(-2 * math.log(1 - next(uniform))) * math.cos(2 * math.pi * next(uniform))
        for _ in range(count * length)
    ]
    return np.array(numbers, np.float32).reshape(count, length)


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120)


def npm(*arguments):
    """Runs npm, or skips where it is missing or finds no registry."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    done = run("npm", *arguments, "--no-audit", "--no-fund", "--fetch-retries=0")
    if done.returncode:
        pytest.skip(f"npm {arguments[0]} does not work here: {done.stderr.strip().splitlines()[-1]}")


def assert_pixels(actual, images):
    assert actual.shape == images.shape
    assert abs(actual.astype(int) - to_uint8(images)).max() <= 1
    assert np.ptp(actual) > 100


def with_larger_weights(model):
    for weight in model.generator.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(0, 0.2, weight.shape))
    return model
