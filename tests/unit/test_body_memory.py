"""Memory for bodies that the server and its workers share."""

import mmap
import os
from collections.abc import Iterator

import pytest

from abeja.runtime.body_memory import BodyMemory
from abeja.runtime.messages import SharedBody
from abeja.runtime.worker.shared_memory import BLOCK_BYTES, BODY_LIMIT_BYTES, SharedMemory

BLOCKS = 8


@pytest.fixture
def memory() -> Iterator[BodyMemory]:
    """One of eight blocks, which others can only read."""
    one = BodyMemory.create(BLOCKS * BLOCK_BYTES, is_read_only=True)
    assert one is not None
    yield one
    one.close_file()


def reserved(memory: BodyMemory, size_bytes: int) -> SharedBody:
    """A place in it, which has to be there."""
    body = memory.reserve(size_bytes)
    assert body is not None
    return body


def test_what_one_side_writes_the_other_side_reads(memory: BodyMemory) -> None:
    other = SharedMemory(memory.fileno(), is_writable=False)
    first, second = reserved(memory, BLOCK_BYTES + 1), reserved(memory, 3)
    first.view()[:] = b"a" * (BLOCK_BYTES + 1)
    second.view()[:] = b"bcd"

    assert other.read(first.first, BLOCK_BYTES + 1) == b"a" * (BLOCK_BYTES + 1)
    assert other.read(second.first, 3) == b"bcd"


def test_no_block_is_of_two_bodies(memory: BodyMemory) -> None:
    sizes = [1, BLOCK_BYTES, BLOCK_BYTES + 1, 4 * BLOCK_BYTES]
    bodies = [reserved(memory, size) for size in sizes]
    for number, body in enumerate(bodies):
        body.view()[:] = bytes([number]) * body.size_bytes

    assert [set(body.view()) for body in bodies] == [{0}, {1}, {2}, {3}]
    assert memory.reserve(1) is None


def test_what_is_removed_is_there_for_others_and_only_once(memory: BodyMemory) -> None:
    first = reserved(memory, BLOCKS * BLOCK_BYTES)
    assert memory.reserve(1) is None
    first.remove()
    second = reserved(memory, BLOCKS * BLOCK_BYTES)
    first.remove()

    assert memory.reserve(1) is None
    second.remove()
    assert memory.reserve(1) is not None


def test_a_body_that_stays_shorter_than_announced_gives_the_rest_back(memory: BodyMemory) -> None:
    body = reserved(memory, BLOCKS * BLOCK_BYTES)
    body.shrink(BLOCK_BYTES + 1)
    rest = reserved(memory, (BLOCKS - 2) * BLOCK_BYTES)

    assert memory.reserve(1) is None
    body.remove()
    rest.remove()
    assert memory.reserve(BLOCKS * BLOCK_BYTES) is not None


def test_places_are_between_others_where_there_is_room(memory: BodyMemory) -> None:
    bodies = [reserved(memory, BLOCK_BYTES) for _ in range(BLOCKS)]
    for number in (1, 3, 4):
        bodies[number].remove()

    assert reserved(memory, 2 * BLOCK_BYTES).first == 3
    assert reserved(memory, 1).first == 1
    assert memory.reserve(1) is None


def test_what_is_too_large_has_no_place() -> None:
    memory = BodyMemory.create(2 * BODY_LIMIT_BYTES)
    assert memory is not None

    assert memory.reserve(BODY_LIMIT_BYTES + 1) is None
    assert memory.reserve(BODY_LIMIT_BYTES) is not None


@pytest.mark.parametrize("size_bytes", [0, BLOCK_BYTES - 1])
def test_without_a_block_there_is_no_memory(size_bytes: int) -> None:
    assert BodyMemory.create(size_bytes) is None


@pytest.mark.parametrize(
    ("first", "size_bytes"),
    [
        (-1, 1),
        (BLOCKS, 1),
        (0, 0),
        (0, -1),
        (0, BLOCKS * BLOCK_BYTES + 1),
        (BLOCKS - 1, BLOCK_BYTES + 1),
        (None, 1),
        ("0", 1),
        (0, 1.0),
        (True, 1),
        (10**30, 1),
    ],
)
def test_numbers_of_no_body_give_none(memory: BodyMemory, first: object, size_bytes: object) -> None:
    assert memory.body(first, size_bytes) is None


@pytest.mark.parametrize("blocks", [BLOCKS, 61440, 61441, 65535])
def test_the_last_block_is_the_last_of_its_file(blocks: int) -> None:
    # Beyond 61440, what says which are taken is as large as a block: it must not be counted as one.
    memory = BodyMemory.create(blocks * BLOCK_BYTES)
    assert memory is not None

    assert memory.body(blocks, 1) is None
    last = memory.body(blocks - 1, BLOCK_BYTES)
    assert last is not None
    assert len(last.view()) == BLOCK_BYTES
    memory.close_file()


def test_a_python_that_knows_no_such_memory_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # As one that was built where the system had none.
    monkeypatch.delattr("os.memfd_create")

    assert BodyMemory.create(BLOCK_BYTES) is None


def test_others_cannot_write_what_they_may_only_read(memory: BodyMemory) -> None:
    with pytest.raises(PermissionError):
        mmap.mmap(memory.fileno(), 0)
    with pytest.raises(PermissionError):
        os.pwrite(memory.fileno(), b"x", 0)


def test_nobody_can_make_it_shorter(memory: BodyMemory) -> None:
    # Reading what is gone would end the server.
    with pytest.raises(PermissionError):
        os.truncate(memory.fileno(), 0)


def test_memory_that_the_system_does_not_give_is_not_taken() -> None:
    memory = BodyMemory.create(BLOCKS * BLOCK_BYTES)
    assert memory is not None
    reserved(memory, BLOCK_BYTES).remove()
    # From here on it cannot be asked for more; touching more would end the process.
    memory.close_file()

    assert memory.reserve(BLOCK_BYTES + 1) is None
    assert memory.reserve(BLOCK_BYTES) is not None


def test_it_takes_up_only_what_has_been_used() -> None:
    memory = BodyMemory.create(16 * BODY_LIMIT_BYTES)
    assert memory is not None
    for _ in range(100):
        body = reserved(memory, BLOCK_BYTES)
        body.view()[:] = bytes(BLOCK_BYTES)
        body.remove()

    assert os.fstat(memory.fileno()).st_blocks * 512 <= 3 * BLOCK_BYTES
