"""A conditional GAN from scratch: your own networks, any loss, and a check that samples match their labels.

python own_networks.py
"""

import argparse

import keras
from keras import layers
from sklearn.svm import SVC

import keras_gan_zoo as kgz

LATENT, CLASSES = 32, 10

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=40)
arguments = parser.parse_args()
keras.utils.set_random_seed(0)  # for the initial weights, because you build these networks yourself


def generator() -> keras.Model:
    """[noise (batch, 32), labels (batch,)] to images (batch, 16, 16, 1) in [-1, 1]."""
    noise, label = keras.Input((LATENT,)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([noise, layers.Embedding(CLASSES, 16)(label)])
    x = layers.Dense(4 * 4 * 64, activation="relu")(x)
    x = layers.Reshape((4, 4, 64))(x)
    for channels in (64, 32):
        x = layers.Conv2DTranspose(channels, 4, 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model([noise, label], layers.Conv2D(1, 3, padding="same", activation="tanh")(x))


def discriminator() -> keras.Model:
    """[images, labels] to raw scores (batch, 1), without a sigmoid, which is part of the loss."""
    image, label = keras.Input((16, 16, 1)), keras.Input((), dtype="int32")
    plane = layers.Reshape((16, 16, 1))(layers.Embedding(CLASSES, 16 * 16)(label))
    x = layers.Concatenate()([image, plane])
    for channels in (32, 64, 128):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(channels, 4, 2, padding="same")(x))
    return keras.Model([image, label], layers.Dense(1)(layers.Flatten()(x)))


digits = kgz.data.load("digits")
gan = kgz.ConditionalGAN(
    generator(), discriminator(), class_names=digits.class_names, loss="hinge", r1=0.1, ema_decay=0.999, seed=0
)
gan.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5))
gan.fit(digits, batch_size=64, epochs=arguments.epochs, verbose=2)

# Do the samples show the requested digits? A classifier trained on the real digits checks that.
real = digits.examples.reshape(len(digits), -1) / 127.5 - 1
classifier = SVC().fit(real, digits.labels)
asked = [number % CLASSES for number in range(1000)]
samples = gan.sample(1000, labels=asked, seed=1)
agreement = (classifier.predict(samples.reshape(1000, -1)) == asked).mean()
print(f"{agreement:.1%} of 1,000 samples are read as the digit that was asked for.")

kgz.pictures.save(kgz.pictures.grid(gan.sample(80, seed=2), columns=CLASSES), "own_networks.png")
kgz.pictures.save(kgz.pictures.grid(gan.sample(16, labels="7", seed=3)), "sevens.png")
gan.save("own_networks.keras")  # plain Keras layers: nothing to register
assert keras.saving.load_model("own_networks.keras").sample(1, labels="7", seed=3).shape == (1, 16, 16, 1)
