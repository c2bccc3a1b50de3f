"""The digest of a LiteRT file: in a zip archive at its end, where LiteRT keeps files that belong to a model."""

import hashlib
import io
import zipfile
from pathlib import Path

from keras_gan_zoo.errors import InputError

NAME = "keras_gan_zoo.sha256"
# The converter's description of a model, and ours of as many bytes: a file that has it, but no digest, is not whole.
_DESCRIPTION, _OURS = b"MLIR Converted.", b"keras_gan_zoo 1"


def with_digest(model: bytes) -> bytes:
    """The content of a file: a model as the converter returns it, and its digest."""
    described = model.replace(_DESCRIPTION, _OURS, 1)
    return described + _archive(described)


def check(content: bytes, path: Path) -> None:
    """Raises an `InputError` if a file is not as it was exported. Files of other origin have no digest."""
    model = content[: -len(_archive(b""))]
    if content == model + _archive(model):
        return
    if _OURS in content or NAME.encode() in content:
        raise InputError(f"Expected a whole LiteRT model. Received: {path}, whose SHA-256 is wrong. Export it again.")


def _archive(model: bytes) -> bytes:
    """A zip archive of the digest, of the same length for all models."""
    content, entry = io.BytesIO(), zipfile.ZipInfo(NAME)  # with the same date everywhere
    entry.create_system = 3  # and the same system
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(entry, hashlib.sha256(model).hexdigest() + "\n")
    return content.getvalue()
