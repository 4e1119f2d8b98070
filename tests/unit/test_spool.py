"""Bodies on their way to memory or disk."""

import os
import resource
import shutil
from pathlib import Path

import pytest

from abeja.runtime.body_memory import BodyMemory
from abeja.runtime.errors import AnswerInvalidError, SpoolFailedError
from abeja.runtime.messages import SpoolFile
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from abeja.runtime.worker.shared_memory import BLOCK_BYTES


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


def test_a_body_that_is_longer_than_announced_is_not_cut(spool: Spool) -> None:
    spool.memory = BodyMemory.create(BLOCK_BYTES)
    sink = BodySink(spool, MemoryBudget(10), most_bytes=20)
    sink.write(b"a" * 20)

    with pytest.raises(ValueError, match="different"):
        sink.write(b"b")
    sink.discard()
    assert spool.reserve(BLOCK_BYTES) is not None


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


def test_a_spool_that_something_has_removed_is_made_again(spool: Spool) -> None:
    shutil.rmtree(spool.folder)

    sink = BodySink(spool, MemoryBudget(0))
    sink.write(b"1")
    folder = spool.create_folder("worker-1")

    assert isinstance(sink.close(), SpoolFile)
    assert (spool.folder.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o700, 0o700)
    shutil.rmtree(spool.folder)
    assert spool.create_folder("worker-2").is_dir()
    Spool().remove()  # it removes those that nobody has locked
    assert spool.folder.exists()


@pytest.mark.parametrize("make", ["link", "pipe", "folder", "longer", "elsewhere", "none"])
def test_only_whole_files_of_workers_are_adopted(spool: Spool, tmp_path: Path, make: str) -> None:
    answer = spool.create_folder("worker-1") / "answer"
    outside = tmp_path / "outside"
    outside.write_bytes(b"1")
    if make == "link":
        answer.symlink_to(outside)
    elif make == "pipe":
        os.mkfifo(answer)
    elif make == "folder":
        answer.mkdir()
    elif make == "longer":
        answer.write_bytes(b"12")

    with pytest.raises(AnswerInvalidError):
        spool.adopt(outside if make == "elsewhere" else answer, 1)
    assert outside.read_bytes() == b"1"


def test_an_adopted_file_can_be_read_whatever_the_workers_umask_was(spool: Spool) -> None:
    answer = spool.create_folder("worker-1") / "answer"
    answer.write_bytes(b"1")
    answer.chmod(0)

    with spool.adopt(answer, 1).open() as file:
        assert file.read() == b"1"
    assert not answer.exists()


def test_an_adopted_file_that_nobody_reads_is_closed(spool: Spool) -> None:
    answer = spool.create_folder("worker-1") / "answer"
    answer.write_bytes(b"1")
    before = list(Path("/proc/self/fd").iterdir())

    file = spool.adopt(answer, 1)
    file.remove()
    file.remove()

    assert list(Path("/proc/self/fd").iterdir()) == before


def test_a_path_that_leads_out_of_the_spool_again_is_not_adopted(spool: Spool) -> None:
    outside = spool.folder.parent / "outside"
    outside.write_bytes(b"1")

    with pytest.raises(AnswerInvalidError):
        spool.adopt(spool.folder / ".." / "outside", 1)
    assert outside.exists()


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


def test_what_is_written_may_change_afterwards(spool: Spool) -> None:
    for limit_bytes in (10, 0):
        sink = BodySink(spool, MemoryBudget(limit_bytes))
        data = bytearray(b"1")
        sink.write(memoryview(data))
        data[:] = b"2"
        sink.write(memoryview(data))

        body = sink.close()
        assert (body.path.read_bytes() if isinstance(body, SpoolFile) else body) == b"12"
