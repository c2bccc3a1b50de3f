"""What users write to change their data: one remedy in the words of arrays, of a `tf.data.Dataset`, or of batches.

A remedy is an expression for arrays called `images`, `labels` or `conditions`. A function of the type `Remedy` turns it
into what to write for one kind of source.
"""

from collections.abc import Callable

Remedy = Callable[[str], str]

NUMBERED = "np.unique(labels, return_inverse=True)[1]"
RENUMBERED = "np.searchsorted(numbers, labels)"
IN_TENSORFLOW = {
    "images.astype('uint8')": "tf.cast(images, 'uint8')",
    "conditions.astype('uint8')": "tf.cast(conditions, 'uint8')",
    "images.transpose(0, 2, 3, 1)": "tf.transpose(images, (0, 2, 3, 1))",
    "labels.argmax(axis=1)": "tf.argmax(labels, 1)",
    "labels.astype('int64')": "tf.cast(labels, 'int64')",
    RENUMBERED: "tf.searchsorted(numbers, labels)",
    NUMBERED: "keras.layers.StringLookup(vocabulary=names, num_oov_indices=0)(labels)",
}


def in_arrays(expression: str) -> str:
    return expression


def in_batches(expression: str) -> str:
    return f"{expression} in each batch"


def in_pipeline(has_conditions: bool, have_sources: bool = False) -> Remedy:
    """Remedies for a `tf.data.Dataset` of examples, of examples with conditions, or of sources with targets.

    Example:
        >>> in_pipeline(True)("labels.argmax(axis=1)")
        'dataset.map(lambda images, labels: (images, tf.argmax(labels, 1)))'
    """

    def write(expression: str) -> str:
        second = "conditions" if "conditions" in expression else "labels"
        expression = IN_TENSORFLOW.get(expression, expression)
        if have_sources:
            expression = expression.replace("images", "targets").replace("conditions", "sources")
            pair = f"sources, {expression}" if "targets" in expression else f"{expression}, targets"
            return f"dataset.map(lambda sources, targets: ({pair}))"
        if not has_conditions:
            return f"dataset.map(lambda images: {expression})"
        pair = f"{expression}, {second}" if "images" in expression else f"images, {expression}"
        return f"dataset.map(lambda images, {second}: ({pair}))"

    return write
