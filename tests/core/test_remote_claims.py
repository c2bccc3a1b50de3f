"""Only one process at a time writes to a folder on remote storage, as far as a file can tell."""

import dataclasses
from itertools import count

import pytest

from keras_gan_zoo.core import claims, remote_claims
from keras_gan_zoo.core.claims import ClaimedError, UnseenOwnerError
from keras_gan_zoo.core.remote_claims import CLAIM_FILE, Claim, check_unclaimed, claimed, confirm
from tests.remote import bucket


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(remote_claims, "SETTLED", 0)


@pytest.fixture
def folder():
    return bucket() / "run"


def of_another_machine() -> Claim:
    mine = Claim.new()
    return dataclasses.replace(mine, owner=dataclasses.replace(mine.owner, host="elsewhere"), token="other")


def test_a_folder_has_one_owner(folder):
    with claimed(folder):
        with pytest.raises(ClaimedError, match=rf"{folder}, which belongs to process \d+ \(this one\) on host"):
            claimed(folder).__enter__()
        with pytest.raises(ClaimedError, match="last confirmed"):
            check_unclaimed(folder)
    check_unclaimed(folder)
    assert not (folder / CLAIM_FILE).exists()
    with claimed(folder):
        pass


def test_a_process_of_this_machine_that_has_ended_is_succeeded(folder, monkeypatch):
    starts = count()
    monkeypatch.setattr(claims, "_start_of", lambda process: next(starts))  # each time another process of this number
    Claim.new().write(folder)
    check_unclaimed(folder)
    with claimed(folder):
        pass


@pytest.mark.parametrize("part", ["host", "machine"])
def test_of_other_machines_it_cannot_be_told(folder, part):
    """Nor of other containers, which may have the same name."""
    other = Claim.new()
    same_host = {"machine": "another start"}
    other = of_another_machine() if part == "host" else dataclasses.replace(other, **same_host)
    other.write(folder)
    with pytest.raises(ClaimedError):
        check_unclaimed(folder)
    with pytest.raises(UnseenOwnerError, match=r"cannot be told from host .*\. If it has, give take_over=True"):
        claimed(folder).__enter__()
    with claimed(folder, take_over=True):
        assert Claim.read(folder).token != other.token


def test_a_claim_is_confirmed_with_all_above_it(folder, monkeypatch):
    monkeypatch.setattr(remote_claims, "_now", lambda: "later")
    with claimed(folder), claimed(folder / "snapshots"), claimed(bucket()):
        confirm(folder / "snapshots")
        assert [Claim.read(place).confirmed for place in (folder, folder / "snapshots")] == ["later", "later"]
    confirm(folder)  # nothing is claimed here


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_claim_that_was_taken_over_is_noticed(folder, is_gone):
    with claimed(folder):
        other = of_another_machine()
        other.write(folder)
        if is_gone:
            (folder / CLAIM_FILE).unlink()
        with pytest.raises(ClaimedError, match="nobody" if is_gone else "elsewhere"):
            confirm(folder)
    assert is_gone or Claim.read(folder) == other  # it is not ours to remove


def test_of_two_at_once_the_last_one_wins(folder, monkeypatch):
    other = of_another_machine()
    monkeypatch.setattr(remote_claims.time, "sleep", lambda _: other.write(folder))
    with pytest.raises(ClaimedError, match="elsewhere"):
        claimed(folder).__enter__()
    assert Claim.read(folder) == other


def test_a_claim_that_cannot_be_read_is_none(folder):
    (folder / CLAIM_FILE).write_bytes(b"{")
    with claimed(folder):
        pass
