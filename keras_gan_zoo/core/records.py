"""The records of TFRecord files, in which TensorFlow keeps data and TensorBoard its events, without TensorFlow."""

import array
import io
import struct
from typing import BinaryIO

import google_crc32c
import numpy as np


def next_record(file: BinaryIO) -> bytes:
    """The record at the position of a file. It is stored as: length in 8 bytes, its checksum, content, its checksum.

    Raises:
        EOFError: If the file ends before the record does.
        ValueError: If a checksum is wrong.
    """
    (length,) = struct.unpack("<Q", _checked(file, 8))
    return _checked(file, length)


def places_of_records(file: BinaryIO) -> np.ndarray:
    """Where the records of a file begin, int64 (records,). Only their lengths are read, and what is between skipped.

    Raises:
        EOFError: If the file ends before the last record does.
        ValueError: If the checksum of a length is wrong.
    """
    places, place, end = array.array("q"), 0, file.seek(0, io.SEEK_END)
    while place < end:
        file.seek(place)
        (length,) = struct.unpack("<Q", _checked(file, 8))
        places.append(place)
        place += 8 + 4 + length + 4
    if place != end:
        raise EOFError(f"the last record ends at byte {place:,} of {end:,}")
    return np.frombuffer(places, np.int64)


def _checked(file: BinaryIO, length: int) -> bytes:
    """Reads `length` bytes and checks the checksum after them: a CRC-32C, masked as TFRecord files do."""
    content, checksum = file.read(length), file.read(4)
    if len(content) + len(checksum) != length + 4:
        raise EOFError(f"{len(content) + len(checksum)} bytes of {length + 4}")
    crc = google_crc32c.value(content)
    if struct.unpack("<I", checksum)[0] != ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF:
        raise ValueError("wrong checksum")
    return content
