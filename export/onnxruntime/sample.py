"""Images from a generator in ONNX: NumPy, ONNX Runtime and Pillow are all it needs."""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image


def load(path):
    """The generator, and what its metadata say of classes."""
    if not Path(path).is_file():
        raise SystemExit(f"No such file: {path}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SystemExit(f"Not an ONNX model: {path} ({str(error).splitlines()[0]})") from None
    said = session.get_modelmeta().custom_metadata_map
    return session, {name: json.loads(said.get(name, "null")) for name in ("num_classes", "class_names")}


def indices(labels, metadata):
    """Classes by index or name as indices; all of them if none is given."""
    names = metadata["class_names"] or []
    known = {str(i): i for i in range(metadata["num_classes"])} | {name: i for i, name in enumerate(names)}
    try:
        return [known[label] for label in labels] if labels else list(range(metadata["num_classes"]))
    except KeyError as unknown:
        raise SystemExit(f"No such class: {unknown}. There are {', '.join(known)}.") from None


def sample(path, n=64, labels=(), seed=None):
    """n images (n, height, width, channels); the classes take turns. The same seed gives the same images."""
    session, metadata = load(path)
    inputs = {each.name: each.shape for each in session.get_inputs()}
    noise = np.random.default_rng(seed).standard_normal((n, *inputs["noise"][1:]), dtype=np.float32)
    feed = {"noise": noise}
    if "labels" in inputs:
        feed["labels"] = np.resize(np.array(indices(labels, metadata), np.int32), n)
    elif labels:
        raise SystemExit(f"This generator has no classes: {path}")
    images = session.run(["images"], feed)[0]
    if not np.isfinite(images).all():
        raise SystemExit(f"Expected finite images. Received: NaN or infinity from {path}")
    return images


def grid(images, columns):
    """Images in [-1, 1], or uint8, side by side."""
    if images.dtype != np.uint8:
        images = np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)
    n, height, width, channels = images.shape
    sheet = np.zeros((-(-n // columns) * columns, height, width, channels), np.uint8)
    sheet[:n] = images
    sheet = sheet.reshape(-1, columns, height, width, channels).swapaxes(1, 2)
    return Image.fromarray(sheet.reshape(-1, columns * width, channels).squeeze())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a file written by: gan-zoo export RUN -o generator.onnx")
    parser.add_argument("-o", "--out", default="images.png")
    parser.add_argument("-n", type=int, default=64, help="how many images")
    parser.add_argument("--labels", default="", help="classes by index or name, with commas between; they take turns")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--columns", type=int, default=10)
    given = parser.parse_args()
    labels = [label.strip() for label in given.labels.split(",") if label]
    grid(sample(given.model, given.n, labels, given.seed), given.columns).save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
