"""Operations on noise: truncation, walks from noise to noise, morphs between classes or texts, and inversion.

Noise is standard normal everywhere in this package. Importing this package imports neither Keras nor TensorFlow.
"""

from keras_gan_zoo.latent.morphs import class_morph, text_morph
from keras_gan_zoo.latent.noise import truncated_noise
from keras_gan_zoo.latent.paths import interpolate, walk
from keras_gan_zoo.latent.sampler import Sampler

__all__ = ["Sampler", "class_morph", "interpolate", "text_morph", "truncated_noise", "walk"]
