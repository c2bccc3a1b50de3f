"""Images from a generator in ONNX: NumPy, ONNX Runtime and Pillow are all it needs."""

import argparse
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

CHARACTERS = "8d32eb8b25b932a3b223ec29ab7b4f076968ea8c9d46dd571225eb84b1430298"  # the digest of the encoder below


def load(path):
    """The generator, and what its metadata say of classes and texts."""
    if not Path(path).is_file():
        raise SystemExit(f"No such file: {path}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SystemExit(f"Not an ONNX model: {path} ({str(error).splitlines()[0]})") from None
    said = session.get_modelmeta().custom_metadata_map
    names = ("num_classes", "class_names", "encoder", "vocabulary")
    return session, {name: json.loads(said.get(name, "null")) for name in names}


def indices(labels, metadata):
    """Classes by index or name as indices; all of them if none is given."""
    names = metadata["class_names"] or []
    known = {str(i): i for i in range(metadata["num_classes"])} | {name: i for i, name in enumerate(names)}
    try:
        return [known[label] for label in labels] if labels else list(range(metadata["num_classes"]))
    except KeyError as unknown:
        raise SystemExit(f"No such class: {unknown}. There are {', '.join(known)}.") from None


def clauses(text):
    """The words of a text between marks of punctuation, in lower case."""
    parts = re.split(r"[.,;:!?()]", unicodedata.normalize("NFKC", text).lower())
    return [re.findall(r"[^\W_]+", part) for part in parts]


def encode(text, length=512):
    """The vector of a text: hashed characters of its words, and pairs of neighbouring words."""
    vector = np.zeros(length)
    for words in clauses(text):
        for i, word in enumerate(words):
            marked = f"<{word}>"
            grams = [marked[at : at + k] for k in (3, 4) for at in range(len(marked) - k + 1)]
            parts = [marked, *(gram for gram in grams if gram != marked)]
            weighted = [(part, len(parts) ** -0.5) for part in parts]
            for string, weight in weighted + [(" ".join(sorted((word, other))), 0.5) for other in words[i + 1 : i + 3]]:
                hashed = 0x811C9DC5
                for byte in string.encode():
                    hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
                vector[hashed % length] += -weight if hashed >> 31 else weight
    return (vector / max(np.linalg.norm(vector), 1e-12)).astype(np.float32)


def vector_of(text, metadata):
    """The vector of a text; warns of words that no caption of training has."""
    if (metadata["encoder"] or {}).get("digest") != CHARACTERS:
        raise SystemExit("The conditions of this generator are not vectors of this encoder.")
    words = [word for clause in clauses(text or "") for word in clause]
    strange = [word for word in words if word not in (metadata["vocabulary"] or words)]
    if len(strange) == len(words):
        raise SystemExit(f"--text has no known words: {', '.join(strange) or 'it is empty'}")
    if strange:
        print(f"No caption of training has: {', '.join(strange)}", file=sys.stderr)
    return encode(text)


def sample(path, n=64, labels=(), seed=None, text=None):
    """n images (n, height, width, channels); the classes take turns. The same seed gives the same images."""
    session, metadata = load(path)
    inputs = {each.name: each.shape for each in session.get_inputs()}
    noise = np.random.default_rng(seed).standard_normal((n, *inputs["noise"][1:]), dtype=np.float32)
    feed = {"noise": noise}
    if "labels" in inputs:
        feed["labels"] = np.resize(np.array(indices(labels, metadata), np.int32), n)
    elif labels:
        raise SystemExit(f"This generator has no classes: {path}")
    if "condition" in inputs:
        feed["condition"] = np.tile(vector_of(text, metadata), (n, 1))
    elif text:
        raise SystemExit(f"This generator takes no texts: {path}")
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
    parser.add_argument("--text", help="what to make, for generators that were trained with texts")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--columns", type=int, default=10)
    given = parser.parse_args()
    labels = [label.strip() for label in given.labels.split(",") if label]
    grid(sample(given.model, given.n, labels, given.seed, given.text), given.columns).save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
