"""Bodies on their way to memory or disk."""

import resource
from pathlib import Path

import pytest

from abeja.runtime.errors import SpoolFailedError
from abeja.runtime.messages import SpoolFile
from abeja.runtime.spool import BodySink, MemoryBudget, Spool


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """A spool under the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Spool()


def test_small_bodies_stay_in_memory(spool: Spool) -> None:
    sink = BodySink(spool, MemoryBudget(10))
    sink.write(b"12345")
    sink.write(b"67890")

    assert sink.close() == b"1234567890"
    assert list(spool.folder.iterdir()) == []


def test_large_bodies_go_to_a_file(spool: Spool) -> None:
    sink = BodySink(spool, MemoryBudget(10))
    sink.write(b"12345")
    sink.write(b"678901")

    body = sink.close()
    assert isinstance(body, SpoolFile)
    assert (body.path.read_bytes(), body.size_bytes) == (b"12345678901", 11)
    body.remove()
    body.remove()
    assert list(spool.folder.iterdir()) == []


def test_the_bodies_of_one_request_share_the_memory(spool: Spool) -> None:
    budget = MemoryBudget(10)
    first, second = BodySink(spool, budget), BodySink(spool, budget)
    first.write(b"12345")
    second.write(b"123456")

    assert first.close() == b"12345"
    assert isinstance(second.close(), SpoolFile)


def test_discarded_bodies_leave_no_file(spool: Spool) -> None:
    sink = BodySink(spool, MemoryBudget(0))
    sink.write(b"1")
    sink.discard()

    assert list(spool.folder.iterdir()) == []


def test_a_spool_that_is_gone_is_an_error_with_a_name(spool: Spool) -> None:
    spool.remove()

    with pytest.raises(SpoolFailedError):
        BodySink(spool, MemoryBudget(0)).write(b"1")


def test_a_disk_that_is_full_is_an_error_with_a_name(spool: Spool) -> None:
    sink = BodySink(spool, MemoryBudget(0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # To the program, a file that may not grow is a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(SpoolFailedError, match="could not be stored"):
            sink.write(b"1" * 100_000)
        sink.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(spool.folder.iterdir()) == []


def test_a_body_that_cannot_be_completed_leaves_no_file(spool: Spool) -> None:
    sink = BodySink(spool, MemoryBudget(0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        # What fits into the file's buffer is written when it is closed.
        sink.write(b"1" * 4000)
        with pytest.raises(SpoolFailedError, match="could not be stored"):
            sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(spool.folder.iterdir()) == []
