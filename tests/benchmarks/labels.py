"""Does a conditional model make what it is asked for? An independent classifier of real images says.

    gan-zoo train conditional_gan --data mnist --architecture dcgan --optimizer dcgan --ema 0.999 --epochs 6
    python -m tests.benchmarks.labels runs/conditional_gan_mnist

A convolutional classifier learns the real training images (three epochs, about two minutes on two cores), is tested on
the real test images, and then names 10,000 samples whose labels were asked for in turn.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import keras_gan_zoo as kgz


def scaled(dataset) -> np.ndarray:
    return dataset.examples.astype(np.float32) / 127.5 - 1


def trained_classifier(train) -> keras.Model:
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [
            keras.Input(train.example_shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(128, activation="relu"),
            layers.Dense(train.num_classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    classifier.fit(scaled(train), train.labels, batch_size=128, epochs=3, verbose=0)
    return classifier


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run folder or a .keras file")
    parser.add_argument("--data", default="mnist", help="a set of TensorFlow Datasets with a train and a test split")
    parser.add_argument("-n", type=int, default=10_000)
    arguments = parser.parse_args()
    gan = kgz.load(arguments.run)
    classifier = trained_classifier(kgz.data.load(arguments.data))
    test = kgz.data.load(arguments.data, split="test")
    accuracy = classifier.evaluate(scaled(test), test.labels, verbose=0, return_dict=True)["accuracy"]
    print(f"accuracy on {len(test):,} real test images: {100 * accuracy:.2f} %")
    asked = np.arange(arguments.n) % gan.num_classes
    named = classifier.predict(gan.sample(arguments.n, labels=asked, seed=0), batch_size=256, verbose=0).argmax(axis=1)
    print(f"agreement on {arguments.n:,} samples: {100 * np.mean(named == asked):.2f} %")
    for label in range(gan.num_classes):
        name = gan.class_names[label] if gan.class_names else label
        print(f"  {name}: {100 * np.mean(named[asked == label] == label):.1f} %")


if __name__ == "__main__":
    main()
