"""TFRecord files, written without TensorFlow."""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import google_crc32c
from tensorflow_datasets.proto import tf_example_pb2


def write(path: Path, examples: Iterable[Mapping[str, bytes | int]]) -> None:
    """Writes a tf.train.Example of bytes and integers for each mapping."""
    with path.open("wb") as file:
        for features in examples:
            content = example(features)
            length = struct.pack("<Q", len(content))
            file.write(length + _checksum(length) + content + _checksum(content))


def example(features: Mapping[str, bytes | int]) -> bytes:
    message = tf_example_pb2.Example()
    for key, value in features.items():
        feature = message.features.feature[key]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return message.SerializeToString(deterministic=True)


def _checksum(content: bytes) -> bytes:
    """The CRC-32C of a content, masked as TFRecord files do."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
