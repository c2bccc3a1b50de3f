"""Images from a generator in a SavedModel: TensorFlow is all it needs. The model draws the noise itself."""

import argparse

import numpy as np
import tensorflow as tf


def sample(path, n=64, labels=(0,), seed=0, conditions=None):
    """n images (n, height, width, channels) in [-1, 1]; classes and conditions take turns. Same seed, same images.

    Conditions are an array, such as vectors of texts: the program in ../onnxruntime has a function for those.
    """
    try:
        model = tf.saved_model.load(path)
    except (OSError, ValueError) as error:
        raise SystemExit(f"Not a SavedModel: {path} ({str(error).splitlines()[0]})") from None
    generate = model.signatures["sample"]
    feed = {"n": tf.constant(n), "seed": tf.constant(seed)}
    inputs = generate.structured_input_signature[1]
    if "labels" in inputs:
        feed["labels"] = tf.constant([labels[i % len(labels)] for i in range(n)])
    if "condition" in inputs:
        if conditions is None:
            raise SystemExit(f"This generator takes conditions: {path}. Give a .npy file, --conditions vectors.npy")
        shape = tuple(inputs["condition"].shape[1:])
        if conditions.shape[-len(shape) :] != shape:
            raise SystemExit(f"Expected conditions of shape {shape}, one or several. Received: {conditions.shape}")
        feed["condition"] = tf.constant(np.resize(conditions, (n, *shape)), tf.float32)
    elif conditions is not None:
        raise SystemExit(f"This generator takes no conditions: {path}. Leave them out.")
    images = generate(**feed)["images"]
    if not tf.reduce_all(tf.math.is_finite(images)):
        raise SystemExit(f"Expected finite images. Received: NaN or infinity from {path}")
    return images


def grid(images, columns):
    """Images in [-1, 1] side by side, as uint8."""
    n, height, width, channels = images.shape
    images = tf.pad(images, [[0, -n % columns], [0, 0], [0, 0], [0, 0]], constant_values=-1)
    rows = tf.transpose(tf.reshape(images, [-1, columns, height, width, channels]), [0, 2, 1, 3, 4])
    sheet = tf.reshape(rows, [-1, columns * width, channels])
    return tf.cast(tf.clip_by_value(tf.round((sheet + 1) * 127.5), 0, 255), tf.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a folder written by: gan-zoo export RUN -o generator")
    parser.add_argument("-o", "--out", default="images.png")
    parser.add_argument("-n", type=int, default=64, help="how many images")
    parser.add_argument("--labels", default="0", help="classes by index, with commas between; they take turns")
    parser.add_argument("--conditions", type=np.load, help="a .npy file, such as of vectors; they take turns")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=10)
    given = parser.parse_args()
    labels = [int(label) for label in given.labels.split(",")]
    images = sample(given.model, given.n, labels, given.seed, given.conditions)
    tf.io.write_file(given.out, tf.io.encode_png(grid(images, given.columns)))
    print(given.out)


if __name__ == "__main__":
    main()
