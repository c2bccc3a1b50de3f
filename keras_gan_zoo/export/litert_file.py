"""What this package adds to a LiteRT file: a zip archive at its end, where LiteRT keeps files that belong to a model.

In it is the digest of everything before and, for models that take texts, what is known about their encoder.
"""

import hashlib
import io
import json
import zipfile
from pathlib import Path

from keras_gan_zoo.core.reading import check_archive
from keras_gan_zoo.errors import InputError

NAME, ABOUT_TEXTS = "keras_gan_zoo.sha256", "encoder.json"
# The converter's description of a model, and ours of as many bytes: a file that has it, but no digest, is not whole.
_DESCRIPTION, _OURS = b"MLIR Converted.", b"keras_gan_zoo 1"


def with_digest(model: bytes, about_texts: dict | None = None) -> bytes:
    """The content of a file: a model as the converter returns it, what is known about texts, and the digest."""
    described = model.replace(_DESCRIPTION, _OURS, 1)
    return described + _archive(described, json.dumps(about_texts).encode() if about_texts else None)


def check(content: bytes, path: Path) -> None:
    """Raises an `InputError` if a file is not as it was exported. Files of other origin have no digest."""
    if content == _rebuilt(content):
        return
    if _OURS in content or NAME.encode() in content:
        raise InputError(f"Expected a whole LiteRT model. Received: {path}, whose SHA-256 is wrong. Export it again.")


def _rebuilt(content: bytes) -> bytes | None:
    """The model in a file with an archive as it must be; None if there is none that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive)
            about_texts = archive.read(ABOUT_TEXTS) if ABOUT_TEXTS in archive.namelist() else None
            model = content[: min(member.header_offset for member in archive.infolist())]
            return model + _archive(model, about_texts)
    except Exception:  # whatever the damage makes zipfile raise
        return None


def _archive(model: bytes, about_texts: bytes | None) -> bytes:
    """The archive of a model; the digest covers what is before it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        if about_texts is not None:
            archive.writestr(_entry(ABOUT_TEXTS), about_texts)
        archive.writestr(_entry(NAME), hashlib.sha256(model + content.getvalue()).hexdigest() + "\n")
    return content.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # with the same date everywhere
    entry.create_system = 3  # and the same system
    return entry
