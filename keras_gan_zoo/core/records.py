"""The records of TFRecord files, in which TensorFlow keeps data and TensorBoard its events, without TensorFlow."""

import struct
from typing import BinaryIO

import google_crc32c


def next_record(file: BinaryIO) -> bytes:
    """The record at the position of a file. It is stored as: length in 8 bytes, its checksum, content, its checksum.

    Raises:
        EOFError: If the file ends before the record does.
        ValueError: If a checksum is wrong.
    """
    (length,) = struct.unpack("<Q", _checked(file, 8))
    return _checked(file, length)


def _checked(file: BinaryIO, length: int) -> bytes:
    """Reads `length` bytes and checks the checksum after them: a CRC-32C, masked as TFRecord files do."""
    content, checksum = file.read(length), file.read(4)
    if len(content) + len(checksum) != length + 4:
        raise EOFError(f"{len(content) + len(checksum)} bytes of {length + 4}")
    crc = google_crc32c.value(content)
    if struct.unpack("<I", checksum)[0] != ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF:
        raise ValueError("wrong checksum")
    return content
