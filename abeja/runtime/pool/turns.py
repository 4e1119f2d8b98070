"""The requests that a worker has: those that it runs, and those that lie in its inbox."""

from collections.abc import Callable, Iterator

from attrs import define

from abeja.runtime.engine import Call
from abeja.runtime.pool.credit import Credit


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
        on_begun: called with each turn that begins.
    """

    def __init__(self, at_once: int, on_begun: Callable[[Turn], None]) -> None:
        self._at_once = at_once
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

    def newest(self, count: int) -> list[Turn]:
        """So many of them, the newest first."""
        return list(reversed(self._turns.values()))[:count]

    def _begin(self, turn: Turn) -> None:
        turn.has_begun = True
        self._on_begun(turn)
