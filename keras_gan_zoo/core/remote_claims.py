"""Claims of folders, wherever they are: on local disks by a lock, on remote storage by a file that is looked at again.

Object stores have no locks. A claim there is a file that names its owner and the time when it last confirmed. Its
writer reads it again after a moment, because the last of several writers wins, and before each snapshot. A process
that was paused for long, or succeeded by another one, therefore ends at its next snapshot; until then both train, and
within the moment between looking and writing both may write.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from keras_gan_zoo.core import claims
from keras_gan_zoo.core.claims import ClaimedError, Owner, UnseenOwnerError
from keras_gan_zoo.core.remote import RemotePath

CLAIM_FILE = ".claim"
SETTLED = 2  # seconds until another process that looked before this one wrote has written as well

_held: dict[str, Claim] = {}
"""The claims of this process, by folder."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim on a remote folder.

    Args:
        owner: Who has it.
        machine: What tells its machine, and its container there, from others of the same name; empty if unknown.
        token: What tells it from others of the same process.
        confirmed: When its owner last saw that it still has it.
    """

    owner: Owner
    machine: str
    token: str
    confirmed: str

    @classmethod
    def new(cls) -> Claim:
        """A claim of this process, now."""
        owner = Owner.here()
        return cls(owner, _machine(), secrets.token_hex(8), owner.since)

    @classmethod
    def read(cls, folder: RemotePath) -> Claim | None:
        """The claim in a folder; None if there is none, or nothing that can be read."""
        try:
            facts = json.loads((folder / CLAIM_FILE).read_bytes())
            return cls(**{**facts, "owner": Owner(**facts["owner"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write(self, folder: RemotePath) -> None:
        """Writes it into the folder, over any other."""
        (folder / CLAIM_FILE).write_bytes(json.dumps(dataclasses.asdict(self)).encode())

    def has_ended(self) -> bool | None:
        """Whether its process has ended; None for one that cannot be seen from here."""
        if (self.owner.host, self.machine) != (Owner.here().host, _machine()):
            return None
        return self.owner.has_ended()

    def __str__(self):
        return f"{self.owner}, last confirmed {self.confirmed}"


def claimed(folder: Path | RemotePath, *, take_over: bool = False) -> AbstractContextManager[None]:
    """Claims a folder while the block runs, as `core.claims.claimed` does; see there."""
    if isinstance(folder, Path):
        return claims.claimed(folder, take_over=take_over)
    return _claimed_remotely(folder, take_over)


def check_unclaimed(folder: Path | RemotePath) -> None:
    """Raises a `ClaimedError` if a process writes to the folder, or may do so, as far as can be told from here."""
    if isinstance(folder, Path):
        claims.check_unclaimed(folder)
        return
    claim = Claim.read(folder)
    if claim is not None and not claim.has_ended():
        raise _claimed_by(claim, folder)


def confirm(path: Path | RemotePath) -> None:
    """Checks that this process still has its claims on a remote path and the folders above it, and renews them.

    Raises:
        ClaimedError: If another process has taken one over.
    """
    for folder, claim in list(_held.items()):
        if f"{path}/".startswith(f"{folder}/"):
            _confirm(RemotePath(folder), claim)


def _confirm(folder: RemotePath, claim: Claim) -> None:
    other = Claim.read(folder)
    if other is None or other.token != claim.token:
        raise ClaimedError(
            f"Expected {folder} to belong to this process still. Received: it belongs to {other or 'nobody'}: another "
            "process took it over. Nothing more was written. End one of the two."
        )
    dataclasses.replace(claim, confirmed=_now()).write(folder)


@contextmanager
def _claimed_remotely(folder: RemotePath, take_over: bool) -> Iterator[None]:
    other = Claim.read(folder)
    if other is not None:
        _check_ended(other, folder, take_over)
    mine = Claim.new()
    mine.write(folder)
    time.sleep(SETTLED)
    other = Claim.read(folder)
    if other is None or other.token != mine.token:
        raise _claimed_by(other, folder)
    _held[str(folder)] = mine
    try:
        yield
    finally:
        if mine.owner.process == os.getpid():  # a forked process has no part in it
            del _held[str(folder)]
            with suppress(OSError):  # the claim stays: this process will have ended
                other = Claim.read(folder)
                if other is not None and other.token == mine.token:
                    (folder / CLAIM_FILE).unlink(missing_ok=True)


def _check_ended(other: Claim, folder: RemotePath, take_over: bool) -> None:
    """Raises an error unless the owner before has ended, or is to be succeeded."""
    has_ended = other.has_ended()
    if has_ended is False:
        raise _claimed_by(other, folder)
    if has_ended is None and not take_over:
        raise UnseenOwnerError(
            f"Expected a folder that no other process writes to. Received: {folder}, which belongs to {other}; whether "
            f"that has ended cannot be told from host {Owner.here().host}. If it has, give take_over=True."
        )


def _claimed_by(claim: Claim | None, folder: RemotePath) -> ClaimedError:
    return ClaimedError(
        f"Expected a folder that no other process writes to. Received: {folder}, which belongs to "
        f"{claim or 'another process'}. Wait until it has ended, or choose another folder."
    )


def _machine() -> str:
    """The start of this machine and, on Linux, the container: containers may share the names of hosts and processes."""
    with suppress(OSError):
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{start} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(" ", "seconds")
