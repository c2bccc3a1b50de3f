"""Files that nobody should be given: what may lie in the place of a whole file, and bytes made to harm a reader."""

import io
import os
import pickle
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

DEEP = 100_000
MARK = "code_was_run"  # the file that every attempt to run code would write, in the working directory


class Code:
    """Runs code if it is unpickled."""

    def __reduce__(self):
        return Path(MARK).touch, ()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, member in members:
            archive.writestr(name, member)
    return content.getvalue()


def zip_bomb(name: str) -> bytes:
    """Zeros, of which the directory of the archive says that they are 4 GB; they are never made."""
    content = bytearray(zipped((name, bytes(2**20))))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(mark) + offset, 2**32 - 2)
    return bytes(content)


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + data


def saved(array, **arrays) -> bytes:
    content = io.BytesIO()
    np.savez(content, images=array, **arrays) if arrays else np.save(content, array)
    return content.getvalue()


def png(width: int = 8, height: int = 8, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(9 * 8)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def text_bomb(kind: bytes) -> bytes:
    head = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
    return chunk(kind, head + zlib.compress(bytes(2**24)))


FOREIGN: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\n",
    "random bytes": np.random.default_rng(0).bytes(5000),
    "not UTF-8": b'variant = "\xff\xfe"\n{"a": "\xff"}',
    "UTF-16": "variant = 'gan'".encode("utf-16"),
    "a null character": b"\0" * 100,
    "text": b"Hello.\n",
    "nested lists": b"[" * DEEP,
    "nested objects": b'{"a":' * DEEP,
    "nested TOML": b"variant = " + b"[" * DEEP,
    "a JSON list": b"[1, 2]",
    "a JSON object": b'{"generated": 3, "metric": {}, "values": []}',
    "a large number": b"epochs = 1" + b"0" * 5000,
    "Python": f"import pathlib; pathlib.Path({MARK!r}).touch(); 1 / 0".encode(),
    "a pickle": pickle.dumps(Code()),
    ".npy of objects": saved(np.array([Code()], dtype=object)),
    ".npy of text": saved(np.array(["a"])),
    ".npy of nothing, often": npy("{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,)}"),
    ".npy that is said to be huge": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000, 9)}"),
    ".npy with a negative side": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-8,)}"),
    ".npy with a nested header": npy("(" * 9000),
    ".npy with a long header": npy("{'descr': '<f8', " + " " * 10**6 + "}"),
    ".npy with code": npy(f"__import__('pathlib').Path({MARK!r}).touch()"),
    ".npy of a table": saved(np.zeros(3, [("a", "f4"), ("b", "i8")])),
    ".npz of objects": saved(np.array([Code()], dtype=object), labels=np.zeros(1)),
    "a zip of nothing": zipped(),
    "a zip of text": zipped(("a.txt", b"text")),
    "a zip bomb": zip_bomb("images.npy"),
    "a zip by LZMA": zipped(("images.npy", saved(np.zeros(9))), method=zipfile.ZIP_LZMA),
    "a zip by bzip2": zipped(("images.npy", saved(np.zeros(9))), method=zipfile.ZIP_BZIP2),
    "a zip with a name twice": zipped(("images.npy", saved(np.zeros(9))), ("images.npy", saved(np.ones(9)))),
    "a zip with ..": zipped(("../images.npy", saved(np.zeros(9)))),
    "a zip with an absolute name": zipped(("/images.npy", saved(np.zeros(9)))),
    "a zip with config.json": zipped(("config.json", b"[" * DEEP), ("metadata.json", b"{}")),
    "a PNG of too many pixels": png(60_000, 60_000),
    "a PNG of too few bytes": png(900, 900),
    "a PNG with a text bomb": png(8, 8, *[text_bomb(b"zTXt")] * 50),
    "a PNG with a bomb of iTXt": png(8, 8, *[text_bomb(b"iTXt")] * 50),
    "a picture": png(),
    "a snapshot of nothing": b"keras_gan_zoo snapshot 1\n" + bytes(64),
    "a snapshot of another version": b"keras_gan_zoo snapshot 9\n" + bytes(64),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(2000),
    "a protocol buffer": b"\x08\x07" * 2000,
    "LiteRT": b"\x20\0\0\0TFL3" + bytes(2000),
}


def write_onnx(path: Path) -> None:
    """A whole file: a generator whose images are the noise."""
    noise, images = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 4]) for n in ("noise", "images"))
    labels = helper.make_tensor_value_info("labels", TensorProto.INT32, ["batch"])
    graph = helper.make_graph([helper.make_node("Identity", ["noise"], ["images"])], "g", [noise, labels], [images])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"num_classes": "2", "class_names": '["a", "b"]'})
    onnx.save(model, path)


def _flip(place: float) -> Callable[[bytes], bytes]:
    def flip(whole: bytes) -> bytes:
        at = int(place * (len(whole) - 1))
        return whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]

    return flip


# They may leave a file whole: what counts then is only that it is read quickly, and that no code is run.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    **{f"cut at {part:.0%}": lambda whole, part=part: whole[: int(part * len(whole))] for part in (0.1, 0.5, 0.9)},
    "without its last byte": lambda whole: whole[:-1],
    **{f"a bit changed at {place:.0%}": _flip(place) for place in (0, 0.03, 0.2, 0.4, 0.6, 0.8, 1)},
    "behind other bytes": lambda whole: b"\xff\xfe" + whole,
    "twice": lambda whole: whole * 2,
}


# What lies at the path instead of a file.
NODES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a broken link": lambda path: path.symlink_to("nothing"),
    "a circle of links": lambda path: path.symlink_to(path.name),
    "a socket": lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK),
    "nothing": lambda path: None,
}


def names(path: Path) -> dict[str, str]:
    """Paths that lead nowhere, because no file can have such a name."""
    return {
        "too long a name": f"{path.parent}/{'n' * 300}{path.name}",
        "too long a path": f"{path.parent}/{'d/' * 3000}{path.name}",
        "a null character": f"{path.parent}/a\0{path.name}",
        "below a file": f"{__file__}/{path.name}",
        "no such user": f"~nosuchuser/{path.name}",
    }
