"""Output of libraries to file descriptor 2: start-up messages are hidden, everything else is passed on."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# What TensorFlow writes to stderr on any machine while it starts. Everything else is passed on.
_TALK = re.compile(
    r"absl::InitializeLog|oneDNN custom operations are on|TensorFlow binary is optimized"
    r"|To enable the following instructions|Unable to register cu\w+ factory|computation_placer already registered"
    # There is no GPU, or no driver (303) for one. A driver that fails for another reason is an error.
    r"|Could not find cuda drivers|cuInit.*(CUDA_ERROR_NO_DEVICE|no CUDA-capable device|UNKNOWN ERROR \(303\))"
    # Nothing is lost: half precision is as it would be without oneDNN.
    r"|oneDNN supports DT_HALF only"
    # Messages of LiteRT and its converter about valid files.
    r"|NodeDef mentions attribute|XNNPACK delegate for CPU"
)


@contextmanager
def without_talk() -> Iterator[None]:
    """Captures what the process writes to file descriptor 2, then prints it without the start-up messages."""
    lines: list[str] = []
    try:
        with capture_stderr(lines):
            yield
    finally:
        for line in lines:
            print(line, file=sys.stderr)


@contextmanager
def capture_stderr(lines: list[str]) -> Iterator[None]:
    """Appends to `lines` what the process writes to file descriptor 2, except for start-up messages."""
    if sys.stderr is None:  # closed: there is nothing to capture
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
            captured = held.read().decode(errors="replace").splitlines()
            lines.extend(line for line in captured if not _TALK.search(line))
