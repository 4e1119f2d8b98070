"""The requests of a worker, while it reads its inbox and the server takes back from it."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest

from abeja.runtime.engine import Call
from abeja.runtime.pool.inbox import Inbox
from abeja.runtime.pool.turns import Turn, Turns
from abeja.runtime.worker import frames


class RacedInbox(Inbox):
    """An inbox whose worker reads a message behind the first one that is taken back.

    Attributes:
        is_raced: whether it does so now.
        read: what the worker has read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_raced = False
        self.read: list[bytes] = []

    def read_one(self) -> None:
        """The worker reads a message."""
        message = super().take_back()
        assert message is not None
        self.read.append(message)

    def take_back(self) -> bytes | None:
        """As the other, and the worker reads one behind it."""
        message = super().take_back()
        if self.is_raced:
            self.is_raced = False
            self.read_one()
        return message


class Worker:
    """The turns of a worker with its inbox, and what has begun."""

    def __init__(self, *, at_once: int) -> None:
        self.inbox = RacedInbox()
        self.begun: list[int] = []
        self.turns = Turns(at_once, self.inbox, lambda turn: self.begun.append(turn.number))

    def get(self, number: int, *, is_large: bool = False) -> Turn:
        """It gets a request."""
        turn = Turn(number, cast("Call", object()), is_large=is_large)
        assert self.inbox.put_note() if is_large else self.inbox.put(_frame(number))
        self.turns.add(turn)
        return turn


@pytest.fixture
def new_worker() -> Iterator[Callable[[int], Worker]]:
    """Makes a worker that runs so many at once."""
    made: list[Worker] = []

    def make(at_once: int) -> Worker:
        made.append(Worker(at_once=at_once))
        return made[-1]

    yield make
    for worker in made:
        worker.inbox.close()


def _frame(number: int) -> bytes:
    return frames.encode({"kind": "request", "id": number})


def _numbers(turns: list[Turn]) -> list[int]:
    return [turn.number for turn in turns]


@pytest.mark.parametrize("withdrawn", [2, 4])
def test_a_request_that_is_taken_back_is_none_that_the_worker_reads_meanwhile(
    new_worker: Callable[[int], Worker], withdrawn: int
) -> None:
    worker = new_worker(1)
    one, *others = [worker.get(number) for number in (1, 2, 3, 4)]
    worker.inbox.read_one()
    worker.inbox.is_raced = True

    turn = next(turn for turn in others if turn.number == withdrawn)
    assert worker.turns.withdraw(turn)
    worker.turns.remove(turn)

    left = 4 if withdrawn == 2 else 2
    assert worker.inbox.read == [_frame(1), _frame(3)]
    assert worker.inbox.take_back_all() == [_frame(left)]
    assert worker.begun == [1]
    worker.turns.remove(one)
    assert worker.begun == [1, 3]


def test_a_request_that_the_worker_reads_meanwhile_is_not_taken_back(new_worker: Callable[[int], Worker]) -> None:
    worker = new_worker(1)
    _, _, third, _ = [worker.get(number) for number in (1, 2, 3, 4)]
    worker.inbox.read_one()
    worker.inbox.is_raced = True

    assert not worker.turns.withdraw(third)

    assert worker.inbox.take_back_all() == [_frame(2), _frame(4)]
    assert _numbers(list(worker.turns)) == [1, 3, 2, 4]


def test_all_but_what_the_worker_reads_meanwhile_are_taken_back(new_worker: Callable[[int], Worker]) -> None:
    worker = new_worker(1)
    for number in (1, 2, 3):
        worker.get(number)
    worker.inbox.is_raced = True

    assert _numbers(worker.turns.withdraw_all()) == [1, 3]

    assert worker.inbox.read == [_frame(2)]
    assert worker.begun == [1, 2]


def test_the_newest_large_requests_are_those_whose_notes_are_unread(new_worker: Callable[[int], Worker]) -> None:
    worker = new_worker(9)
    for number, is_large in ((1, True), (2, False), (3, True), (4, False), (5, True)):
        worker.get(number, is_large=is_large)
    worker.inbox.read_one()
    worker.inbox.is_raced = True

    # The one that is read meanwhile is the second note.
    assert _numbers(worker.turns.withdraw_all()) == [2, 4, 5]
