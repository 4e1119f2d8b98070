"""The inputs that are still to be run, one after the other."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.output import Output
from abeja.runtime.batch.report import Tally

# Inputs that are listed ahead; the lines among them hold no more than this in memory, but for the last.
_LISTED = 64
_LISTED_BYTES = 1024 * 1024
# Results that may wait for one before them. They wait on the disk.
_HELD = 1000


class Upcoming:
    """The inputs that are still to be run. Those that were done earlier are counted and passed over.

    Args:
        inputs: all of them; None for one that has not come yet.
        output: knows what is done.
        tally: counts that.
        retries_failed: whether inputs that failed earlier are run again.

    Attributes:
        count: how many inputs have been listed.
    """

    def __init__(self, inputs: Iterable[Item | None], output: Output, *, tally: Tally, retries_failed: bool) -> None:
        self._listing = iter(inputs)
        self._output = output
        self._tally = tally
        self._retries_failed = retries_failed
        self._listed: deque[Item] = deque()
        self._is_end = False
        self._turn = asyncio.Lock()
        self._in_hand = 0
        self._may_go_on = asyncio.Event()
        self._stopped = asyncio.Event()
        self.count = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether all inputs were given out, or were done."""
        return self._is_end and not self._listed

    def is_stopped(self) -> bool:
        """Whether no more are given out."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Give out no more."""
        self._stopped.set()
        self._may_go_on.set()

    async def next(self) -> Item | None:
        """The next input; None if there is none, or it was stopped. Say `end` when its result is kept.

        Raises:
            RunDiffersError: the inputs are not those that were run earlier.
            InputInvalidError: they cannot be listed.
        """
        async with self._turn:
            while not self._stopped.is_set():
                if not self._listed:
                    if self._is_end:
                        return None
                    await self._list()
                elif self._is_done(self._listed[0]):
                    self._listed.popleft()
                elif self._output.held >= _HELD and self._in_hand:
                    # One of those in hand is what the others wait for; without any, it is the next one.
                    self._may_go_on.clear()
                    await self._may_go_on.wait()
                else:
                    self._in_hand += 1
                    return self._listed.popleft()
            return None

    def end(self) -> None:
        """One that was given out is done, or will not be."""
        self._in_hand -= 1
        self._may_go_on.set()

    async def _list(self) -> None:
        items, is_end = await asyncio.to_thread(_some, self._listing)
        self._listed.extend(items)
        self.count += len(items)
        # The end of stdin may be that nobody waits for it any more.
        self._is_end = is_end and not self._stopped.is_set()

    def _is_done(self, item: Item) -> bool:
        done = self._output.past.of(item, may_run_again=self._retries_failed)
        if done is None:
            return False
        self._tally.add(
            number=item.number,
            name=item.name,
            status=done.status,
            time_s=done.time_s,
            error=done.error,
            is_earlier=True,
        )
        return True


def _some(listing: Iterator[Item | None]) -> tuple[list[Item], bool]:
    """The next few inputs, or those that are there; and whether these were the last."""
    items: list[Item] = []
    size_bytes = 0
    for item in listing:
        if item is None:
            if items:
                return items, False
            continue
        items.append(item)
        size_bytes += item.size_bytes
        if len(items) == _LISTED or size_bytes >= _LISTED_BYTES:
            return items, False
    return items, True
