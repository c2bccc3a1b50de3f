"""Classes of samples: by index or by name, one for all or one for each. This module imports no Keras."""

from collections.abc import Sequence

import numpy as np

from keras_gan_zoo.errors import InputError, unknown


def check_labels(labels: np.ndarray, num_classes: int) -> None:
    if not (np.issubdtype(labels.dtype, np.integer) and labels.min() >= 0 and labels.max() < num_classes):
        raise InputError(
            f"Expected integer labels from 0 to {num_classes - 1}. Received: {labels.dtype} from {labels.min()} to "
            f"{labels.max()}. Renumber the labels, or build the networks with another num_classes."
        )


def check_class_names(names: Sequence[str] | None) -> None:
    """That each name means one class."""
    again = next((name for i, name in enumerate(names or ()) if name in names[:i]), None)
    if again is not None:
        raise InputError(f"Expected another name for each class. Received: {again!r} twice. Rename one of them.")


def labels_to_sample(n: int, labels, num_classes: int | None, class_names: Sequence[str] | None) -> np.ndarray:
    """The classes of n examples by index.

    Args:
        n: How many.
        labels: One class for all, or n classes, each by its index or its name; None for the classes in turn.
        num_classes: How many classes there are; None if that is unknown.
        class_names: Their names; None if they have none.

    Returns:
        int32 array (n,).

    Raises:
        InputError: If there is no such class, not one or n of them, or none where num_classes is unknown.

    Example:
        >>> labels_to_sample(3, "cat", 2, ["dog", "cat"]).tolist()
        [1, 1, 1]
    """
    if labels is None and num_classes is None:
        raise InputError(
            "sample() expects labels, because the networks take them and num_classes is unknown. Received: none. "
            "Pass labels, or num_classes to the constructor."
        )
    indices = np.arange(n) % num_classes if labels is None else _indices(labels, class_names)
    if indices.shape not in ((), (n,)):
        raise InputError(f"sample({n}) expects one label or {n} labels. Received: shape {indices.shape}.")
    if num_classes is not None:
        check_labels(indices, num_classes)
    return np.broadcast_to(indices.astype(np.int32), (n,))


def renumbered(labels, names: Sequence[str] | None, others: Sequence[str] | None):
    """Labels by one list of names as another list numbers them; None where that list lacks one of the names.

    Where a list is unknown, numbers are taken to mean the same.

    Example:
        >>> renumbered(np.array([0, 0, 1]), ["cat", "dog"], ["bird", "dog", "cat"]).tolist()
        [2, 2, 1]
    """
    if labels is None or names is None or others is None:
        return labels
    if not set(names) <= set(others):
        return None
    return np.array([list(others).index(name) for name in names])[labels]


def _indices(labels, class_names: Sequence[str] | None) -> np.ndarray:
    """Labels with names of classes replaced by their indices."""

    def index(label):
        if not isinstance(label, str):
            return label
        if not class_names:
            raise InputError(
                f"Expected labels by index, because this model knows no class names. Received: {label!r}. Pass "
                "class_names to the constructor, or an index."
            )
        if label not in class_names:
            raise unknown("class", label, class_names)
        return list(class_names).index(label)

    if isinstance(labels, (list, tuple, np.ndarray)) and np.ndim(labels) == 1:
        return np.array([index(label) for label in labels])
    return np.asarray(index(labels))
