"""Generated images as training data: how well a network trained on them classifies real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.core.conditions import check_num_classes
from keras_gan_zoo.metrics.features.arrays import as_pixels, check_labels
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets


def network_classification(samples, labels, test, test_labels, epochs: int = 5, seed: int = 0) -> Result:
    """The test error, on real images, of a small network that was trained on generated images.

    It exceeds the error of a network trained on real images if samples lack variety, do not match their labels or look
    unreal. Source: Ravuri and Vinyals 2019, the classification accuracy score.

    Args:
        samples: Generated images (n, height, width, channels), uint8 or in [-1, 1].
        labels: The labels (n,) that the images were generated for.
        test: Real images.
        test_labels: Their labels.
        epochs: Number of epochs to train the network of `metrics.features.classifier`.
        seed: Seed of the training.

    Returns:
        A `Result` with `value`, the error in [0, 1].
    """
    from keras_gan_zoo.metrics.features import classifier  # imports TensorFlow

    check_count("epochs", epochs)
    samples, test = as_pixels(samples, "samples"), as_pixels(test, "test")
    labels = check_labels(labels, len(samples), "labels")
    test_labels = check_labels(test_labels, len(test), "test_labels")
    num_classes = int(max(labels.max(), test_labels.max())) + 1
    check_num_classes(num_classes)
    model = classifier.train(samples, labels, num_classes, epochs=epochs, seed=seed)
    values = {"value": 1 - classifier.accuracy(model, test, test_labels)}
    protocol = {"generated": len(samples), "real": len(test), "epochs": epochs, "seed": seed}
    return Result("network_classification", values, protocol)


def network_classification_of(sets: Sets) -> Result:
    labels, test_labels = sets.labels("network_classification")
    return network_classification(sets.generated.images, labels, sets.real.images, test_labels, seed=sets.seed)


def label_agreement(sets: Sets) -> Result:
    """The share of samples to which the extractor's classifier assigns the label that they were generated for."""
    labels, _ = sets.labels("label_agreement")
    share = float((sets.generated.logits.argmax(axis=1) == labels).mean())
    return Result("label_agreement", {"value": share}, {"generated": len(labels)})
