"""Quality of samples: metrics of features and images, each with the protocol that its figures depend on.

Functions take arrays and return a `Result`. Importing this package imports neither TensorFlow nor Keras.
"""

from keras_gan_zoo.metrics.classification import network_classification
from keras_gan_zoo.metrics.diversity import ms_ssim
from keras_gan_zoo.metrics.features.extractors import Extractor, extractor
from keras_gan_zoo.metrics.frechet import Moments, frechet_distance
from keras_gan_zoo.metrics.kernel import kernel_distance
from keras_gan_zoo.metrics.manifold import density_coverage, manifold, precision_recall
from keras_gan_zoo.metrics.modes import class_coverage, mode_coverage, stacked_labels
from keras_gan_zoo.metrics.neighbours import Neighbours, nearest_neighbours, neighbour_classification
from keras_gan_zoo.metrics.parzen import parzen_log_likelihood
from keras_gan_zoo.metrics.protocol import METRICS, measure
from keras_gan_zoo.metrics.report import Report, evaluate
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.metrics.scores import inception_score
from keras_gan_zoo.metrics.sets import ImageSet, Sets
from keras_gan_zoo.metrics.similarity import similarity

Seen = ImageSet  # its name in version 0.1.0

__all__ = [
    "METRICS",
    "Extractor",
    "ImageSet",
    "Moments",
    "Neighbours",
    "Report",
    "Result",
    "Seen",
    "Sets",
    "class_coverage",
    "density_coverage",
    "evaluate",
    "extractor",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "manifold",
    "measure",
    "mode_coverage",
    "ms_ssim",
    "nearest_neighbours",
    "neighbour_classification",
    "network_classification",
    "parzen_log_likelihood",
    "precision_recall",
    "similarity",
    "stacked_labels",
]
