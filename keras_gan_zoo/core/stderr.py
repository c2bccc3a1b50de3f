"""What libraries write to file descriptor 2: held back where it is start-up talk, passed on where it is not."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# What TensorFlow writes to stderr on any machine while it starts. Everything else it says is passed on.
_TALK = re.compile(
    r"absl::InitializeLog|oneDNN custom operations are on|TensorFlow binary is optimized"
    r"|To enable the following instructions|Unable to register cu\w+ factory|computation_placer already registered"
    # That there is no GPU, or no driver (303) for one. A driver that fails for another reason is an error.
    r"|Could not find cuda drivers|cuInit.*(CUDA_ERROR_NO_DEVICE|no CUDA-capable device|UNKNOWN ERROR \(303\))"
    # And what LiteRT and its converter say of files that are in order.
    r"|NodeDef mentions attribute|XNNPACK delegate for CPU"
)


@contextmanager
def without_talk() -> Iterator[None]:
    """Holds back what the process writes to file descriptor 2, then lets through what is not talk."""
    lines: list[str] = []
    try:
        with held_back(lines):
            yield
    finally:
        for line in lines:
            print(line, file=sys.stderr)


@contextmanager
def held_back(lines: list[str]) -> Iterator[None]:
    """Appends to `lines` what the process writes to file descriptor 2, but for talk."""
    if sys.stderr is None:  # closed: there is nothing to hold back
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            said = held.read().decode(errors="replace").splitlines()
            lines.extend(line for line in said if not _TALK.search(line))
