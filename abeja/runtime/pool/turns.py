"""The requests that a worker has: those that it runs, and those that lie in its inbox."""

import itertools
from collections.abc import Callable, Iterator

from attrs import define

from abeja.runtime.engine import Call
from abeja.runtime.pool.credit import Credit
from abeja.runtime.pool.inbox import Inbox
from abeja.runtime.worker import frames


@define(eq=False)
class Turn:
    """A request that a worker has.

    Attributes:
        number: the id in its frames.
        call: whose request it is.
        is_large: whether it came through the channel: it cannot be taken back.
        credit: for its streamed answer, if the worker has several requests at once.
        has_begun: whether the worker runs it, or will as soon as it looks.
        is_streaming: whether its answer has begun.
    """

    number: int
    call: Call
    is_large: bool = False
    credit: Credit | None = None
    has_begun: bool = False
    is_streaming: bool = False


class Turns:
    """Of one worker, from the oldest to the newest.

    Args:
        at_once: how many the worker runs at once.
        inbox: where those lie that it has not begun.
        on_begun: called with each turn that begins.
    """

    def __init__(self, at_once: int, inbox: Inbox, on_begun: Callable[[Turn], None]) -> None:
        self._at_once = at_once
        self._inbox = inbox
        self._on_begun = on_begun
        self._turns: dict[int, Turn] = {}
        self._large = 0

    def __len__(self) -> int:
        return len(self._turns)

    def __iter__(self) -> Iterator[Turn]:
        return iter(tuple(self._turns.values()))

    @property
    def has_large(self) -> bool:
        """Whether one of them cannot be taken back."""
        return self._large > 0

    def get(self, number: object) -> Turn | None:
        """The one of this number, which a worker has named; None if there is none."""
        return self._turns.get(number) if isinstance(number, int) else None

    def of(self, call: Call) -> Turn | None:
        """The one of this call, unless it has ended."""
        return next((turn for turn in self._turns.values() if turn.call is call), None)

    def add(self, turn: Turn) -> None:
        """The worker has got one more."""
        self._turns[turn.number] = turn
        self._large += turn.is_large
        if len(self._turns) <= self._at_once:
            self._begin(turn)

    def remove(self, turn: Turn) -> None:
        """It has ended, or was taken back; one that waited for it may begin."""
        del self._turns[turn.number]
        self._large -= turn.is_large
        if len(self._turns) >= self._at_once:
            for index, other in enumerate(self._turns.values()):
                if index == self._at_once:
                    return
                if not other.has_begun:
                    self._begin(other)
                    return

    def clear(self) -> None:
        """It has none any more."""
        self._turns.clear()
        self._large = 0

    def withdraw(self, turn: Turn) -> bool:
        """Take its message out of the inbox; False if the worker has begun with it. It is not removed here."""
        if turn.is_large:
            return False
        unread = self._take_back_all()
        for other, message in unread:
            if other is not turn:
                self._inbox.put(message)
        return any(other is turn for other, _ in unread)

    def withdraw_oldest(self) -> Turn | None:
        """Take the oldest message out of the inbox, and say whose it is; None if there is none."""
        message = self._inbox.take_back()
        return None if message is None else self.get(_number_in(message))

    def withdraw_all(self) -> list[Turn]:
        """Take all messages out of the inbox, and say whose they are, from the oldest on."""
        return [turn for turn, _ in self._take_back_all()]

    def _take_back_all(self) -> list[tuple[Turn, bytes]]:
        """Empty the inbox: whose messages lay in it, and the messages, from the oldest on.

        Between two of them the worker may read one that lay behind: that one goes before those that are here now.
        """
        messages = self._inbox.take_back_all()
        notes = messages.count(frames.ELSEWHERE)
        # One note is as good as another: who reads one, reads the oldest large frame.
        large = [turn for turn in self if turn.is_large]
        unread_large = iter(large[len(large) - notes :])
        unread = []
        for message in messages:
            turn = next(unread_large, None) if message == frames.ELSEWHERE else self.get(_number_in(message))
            if turn is not None:
                unread.append((turn, message))
        for turn, _ in unread:
            self._turns[turn.number] = self._turns.pop(turn.number)
        for turn in itertools.islice(self, self._at_once):
            if not turn.has_begun:
                self._begin(turn)
        return unread

    def _begin(self, turn: Turn) -> None:
        turn.has_begun = True
        self._on_begun(turn)


def _number_in(message: bytes) -> int:
    """The id of the request in a message of the inbox."""
    header, _ = frames.decode(message)
    return int(header["id"])
