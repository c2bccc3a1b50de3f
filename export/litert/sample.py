"""Images from a generator in LiteRT, once TensorFlow Lite: NumPy, LiteRT and Pillow are all it needs."""

import argparse
import hashlib
import zipfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image


def content(path):
    """The bytes of a file, whose SHA-256 is in a zip archive at its end; files of other origin have none."""
    whole, name = Path(path).read_bytes(), "keras_gan_zoo.sha256"
    if b"keras_gan_zoo" in whole:
        with zipfile.ZipFile(path) as archive:
            digest, end = archive.read(name).decode().strip(), archive.getinfo(name).header_offset
        if hashlib.sha256(whole[:end]).hexdigest() != digest:
            raise ValueError("its SHA-256 is wrong")
    return whole


def sample(path, n=64, labels=(0,), seed=None, conditions=None):
    """n images (n, height, width, channels) in [-1, 1]; classes and conditions take turns. Same seed, same images.

    Conditions are an array, such as vectors of texts: the program in ../onnxruntime has a function for those.
    """
    try:
        generate = Interpreter(model_content=content(path)).get_signature_runner("serving_default")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SystemExit(f"Not a LiteRT model: {path} ({str(error).splitlines()[0]})") from None
    inputs = generate.get_input_details()
    latent_shape = inputs["noise"]["shape"][1:]
    feed = {"noise": np.random.default_rng(seed).standard_normal((n, *latent_shape), dtype=np.float32)}
    if "labels" in inputs:
        feed["labels"] = np.resize(np.array(labels, np.int32), n)
    if "condition" in inputs:
        if conditions is None:
            raise SystemExit(f"This generator takes conditions: {path}. Give a .npy file, --conditions vectors.npy")
        shape = tuple(inputs["condition"]["shape"][1:])
        if conditions.shape[-len(shape) :] != shape:
            raise SystemExit(f"Expected conditions of shape {shape}, one or several. Received: {conditions.shape}")
        feed["condition"] = np.resize(conditions.astype(np.float32), (n, *shape))
    elif conditions is not None:
        raise SystemExit(f"This generator takes no conditions: {path}. Leave them out.")
    images = generate(**feed)["images"]
    if not np.isfinite(images).all():
        raise SystemExit(f"Expected finite images. Received: NaN or infinity from {path}")
    return images


def grid(images, columns):
    """Images in [-1, 1] side by side."""
    n, height, width, channels = images.shape
    sheet = np.zeros((-(-n // columns) * columns, height, width, channels), np.uint8)
    sheet[:n] = np.clip(np.round((images + 1) * 127.5), 0, 255)
    sheet = sheet.reshape(-1, columns, height, width, channels).swapaxes(1, 2)
    return Image.fromarray(sheet.reshape(-1, columns * width, channels).squeeze())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a file written by: gan-zoo export RUN -o generator.tflite")
    parser.add_argument("-o", "--out", default="images.png")
    parser.add_argument("-n", type=int, default=64, help="how many images")
    parser.add_argument("--labels", default="0", help="classes by index, with commas between; they take turns")
    parser.add_argument("--conditions", type=np.load, help="a .npy file, such as of vectors; they take turns")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--columns", type=int, default=10)
    given = parser.parse_args()
    labels = [int(label) for label in given.labels.split(",")]
    images = sample(given.model, given.n, labels, given.seed, given.conditions)
    grid(images, given.columns).save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
