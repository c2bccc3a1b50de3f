"""Generated images as training data: what a small network learns from them about real ones."""

from __future__ import annotations

import numpy as np

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
        A `Result` with `error` in [0, 1].
    """
    from keras_gan_zoo.metrics import classifier

    num_classes = int(max(np.max(labels), np.max(test_labels))) + 1
    model = classifier.train(np.asarray(samples), labels, num_classes, epochs=epochs, seed=seed)
    values = {"error": 1 - classifier.accuracy(model, np.asarray(test), np.asarray(test_labels))}
    protocol = {"generated": len(samples), "real": len(test), "epochs": epochs, "seed": seed}
    return Result("network_classification", values, protocol)
