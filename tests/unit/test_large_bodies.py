"""Where a worker finds the bodies that are too large for a frame, and where it puts them."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime.body_memory import BodyMemory
from abeja.runtime.worker.large_bodies import LargeBodies
from abeja.runtime.worker.message import Message
from abeja.runtime.worker.session import Session
from abeja.runtime.worker.shared_memory import BLOCK_BYTES

BLOCKS = 4
HEADER = {"request_id": "1", "method": "POST", "path": "/", "query": "", "content_type": None, "client_ip": ""}


class Memories:
    """What a server shares with a worker."""

    def __init__(self) -> None:
        requests = BodyMemory.create(BLOCKS * BLOCK_BYTES, is_read_only=True)
        answers = BodyMemory.create(BLOCKS * BLOCK_BYTES)
        assert requests is not None
        assert answers is not None
        self.requests, self.answers = requests, answers


@pytest.fixture
def memories() -> Iterator[Memories]:
    """That of one test."""
    both = Memories()
    yield both
    both.requests.close_file()
    both.answers.close_file()


@pytest.fixture
def bodies(tmp_path: Path, memories: Memories) -> LargeBodies:
    """A worker's."""
    # Each is a descriptor that the worker has inherited, and closes.
    return LargeBodies(str(tmp_path), [os.dup(memories.requests.fileno()), os.dup(memories.answers.fileno())])


def test_without_memory_for_answers_the_requests_are_found_and_answers_are_files(
    tmp_path: Path, memories: Memories
) -> None:
    bodies = LargeBodies(str(tmp_path), [os.dup(memories.requests.fileno())])
    request = memories.requests.reserve(3)
    assert request is not None
    request.view()[:] = b"abc"

    assert bodies.request(request.first, 3) == b"abc"
    place = bodies.put([b"answer"])
    assert Path(place["path"]).read_bytes() == b"answer"


@pytest.mark.parametrize("size", [1, BLOCKS * BLOCK_BYTES, BLOCKS * BLOCK_BYTES + 1])
def test_an_answer_that_is_dropped_leaves_nothing(tmp_path: Path, bodies: LargeBodies, size: int) -> None:
    for _ in range(2):
        bodies.drop(bodies.put([b"x" * size]))

    assert list(tmp_path.iterdir()) == []
    assert bodies.put([b"x" * BLOCKS * BLOCK_BYTES])["body"] == "memory"


class NoChannel:
    """Sends nothing, for nothing can be sent."""

    def require_owner(self) -> None:
        """As if it were the worker."""


class Unsendable:
    """An ABI whose answer has a header that no frame can carry."""

    def call(self, _: Message) -> dict[str, Any]:
        """As `Adapter.call`."""
        body = (b"x" * 2 * BLOCK_BYTES,)
        return {"status": 200, "content_type": "a/b", "headers": [("a", b"")], "body": body, "streamed": False}


def test_an_answer_that_cannot_be_sent_leaves_nothing(tmp_path: Path, bodies: LargeBodies) -> None:
    # Without its constructor, which loads a handler.
    session = Session.__new__(Session)
    session.__dict__.update(_channel=NoChannel(), _spool_dir=str(tmp_path), _bodies=bodies, _adapter=Unsendable())
    request = {**HEADER, "id": 1, "headers": [], "contents": [{"size": 0}], "timeout_s": None}

    for _ in range(BLOCKS):
        with pytest.raises(TypeError, match="bytes"):
            session.answer(request, b"")
    assert list(tmp_path.iterdir()) == []
    assert bodies.put([b"x" * BLOCKS * BLOCK_BYTES])["body"] == "memory"


def test_a_body_that_finds_no_room_as_a_file_is_not_cut(tmp_path: Path) -> None:
    header = {**HEADER, "headers": [], "contents": [{"size": 1000}], "timeout_s": None}
    message = Message(header, b"x" * 1000, LargeBodies(str(tmp_path)))
    body: Any = message.contents[0].body
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match="large"):
                body.fileno()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == []
    assert os.pread(body.fileno(), 2000, 0) == b"x" * 1000
    message.close()
    assert list(tmp_path.iterdir()) == []
