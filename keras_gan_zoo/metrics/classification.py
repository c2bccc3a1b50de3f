"""Generated images as training data: what a small network learns from them about real ones."""

from __future__ import annotations

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.metrics.features.arrays import as_pixels, check_labels
from keras_gan_zoo.metrics.result import Result


def network_classification(samples, labels, test, test_labels, epochs: int = 5, seed: int = 0) -> Result:
    """The test error, on real images, of a small network that was trained on generated images.

    It falls short of the error of a network trained on real images where samples lack variety, disobey their labels or
    look unreal. Source: Ravuri and Vinyals 2019, the classification accuracy score.

    Args:
        samples: Generated images (n, height, width, channels), uint8 or in [-1, 1].
        labels: What they were made for, (n,).
        test: Real images.
        test_labels: Their labels.
        epochs: Of the network of `metrics.classifier`.
        seed: Of its training.

    Returns:
        A `Result` with `value`, the error in [0, 1].
    """
    from keras_gan_zoo.metrics.features import classifier  # imports TensorFlow

    check_count("epochs", epochs)
    samples, test = as_pixels(samples, "samples"), as_pixels(test, "test")
    labels = check_labels(labels, len(samples), "labels")
    test_labels = check_labels(test_labels, len(test), "test_labels")
    num_classes = int(max(labels.max(), test_labels.max())) + 1
    model = classifier.train(samples, labels, num_classes, epochs=epochs, seed=seed)
    values = {"value": 1 - classifier.accuracy(model, test, test_labels)}
    protocol = {"generated": len(samples), "real": len(test), "epochs": epochs, "seed": seed}
    return Result("network_classification", values, protocol)
