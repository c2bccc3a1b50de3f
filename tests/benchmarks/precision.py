"""Half precision on this machine: images per second and the quality of the result, beside float32.

    python -m tests.benchmarks.precision                    speed; about five minutes, leave the machine alone
    python -m tests.benchmarks.precision --quality mnist    also trains both to the end, on a TensorFlow Datasets set

Speed: one training step on fixed batches, both policies in turn in one process; the ratio is the median of its pairs,
above 1 where half precision is faster. Quality: Frechet distance between 5,000 samples and 5,000 test images in the
features of the shipped classifier, beside that of 5,000 other real ones; two seeds each.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import metrics

POLICIES = ("float32", "mixed_bfloat16")


def built(policy: str, make) -> keras.Model:
    keras.config.set_dtype_policy(policy)
    try:
        gan = make()
    finally:
        keras.config.set_dtype_policy("float32")
    gan.compile(steps_per_execution=1)
    return gan


def dcgan(width=32):
    return kgz.DCGAN.for_images((28, 28, 1), width=width, ema_decay=0.999, seed=0)


def wide_mlp():
    return kgz.GAN.for_images((28, 28, 1), architecture="mlp", units=1024, seed=0)


def compare(name, make, batch_size, rounds=9, steps=12):
    batch = np.random.default_rng(0).integers(0, 256, (batch_size, 28, 28, 1), np.uint8)
    gans = [built(policy, make) for policy in POLICIES]
    runs = [tf.function(gan.train_step, autograph=False) for gan in gans]
    seconds = np.zeros((rounds + 1, 2))
    for i in range(rounds + 1):
        for j in (0, 1) if i % 2 else (1, 0):
            started = time.perf_counter()
            for _ in range(steps):
                runs[j]((batch,))
            seconds[i, j] = time.perf_counter() - started
    seconds = seconds[1:]  # the first round compiles
    rates = steps * batch_size / np.median(seconds, axis=0)
    low, middle, high = np.percentile(seconds[:, 0] / seconds[:, 1], [25, 50, 75])
    print(f"{name:<34} {rates[0]:>9,.0f} {rates[1]:>9,.0f}   {middle:.2f}  ({low:.2f} to {high:.2f})", flush=True)


def compare_quality(name: str, epochs: int):
    train, test = kgz.data.load(name), kgz.data.load(name, split="test")
    features = metrics.extractor(name)
    real = features(test.examples[:5000])
    print(f"real images against others: {metrics.frechet_distance(real, features(test.examples[5000:])).value:.3f}")
    for policy in POLICIES:
        distances = []
        for seed in (0, 1):
            gan = built(policy, lambda seed=seed: kgz.DCGAN.for_images((28, 28, 1), ema_decay=0.999, seed=seed))
            gan.fit(train, epochs=epochs, verbose=0)
            distances.append(metrics.frechet_distance(real, features(gan.sample(5000, seed=seed))).value)
        listed = ", ".join(f"{distance:.3f}" for distance in distances)
        print(f"{policy}, {epochs} epochs: {listed}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", metavar="DATA")
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    print(f"{'':<34} {POLICIES[0]:>9} {'bfloat16':>9}   ratio  (middle half)")
    compare("DCGAN 28x28, width 32, batch 64", dcgan, 64)
    compare("DCGAN 28x28, width 64, batch 64", lambda: dcgan(64), 64)
    compare("MLP of 1,024 units, batch 256", wide_mlp, 256)
    if arguments.quality:
        compare_quality(arguments.quality, arguments.epochs)


if __name__ == "__main__":
    main()
