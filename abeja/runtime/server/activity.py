"""Which answers are still on their way, so that a stop does not cut them."""

import asyncio
from collections.abc import Callable


class Activity:
    """The requests between their head and the last byte of their answer.

    Attributes:
        begin: to be called with each request that has arrived.
        is_ending: whether somebody waits for the last answer: each that begins is the last one on its connection.
    """

    def __init__(self) -> None:
        self._active: set[object] = set()
        # While somebody waits.
        self._idle: asyncio.Event | None = None
        self.begin: Callable[[object], None] = self._active.add
        self.is_ending = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._active)

    def end(self, request: object) -> None:
        """Its answer has left, or its client has; a second call does nothing."""
        self._active.discard(request)
        if self._idle is not None and not self._active:
            self._idle.set()
            self._idle = None

    async def wait_until_idle(self) -> None:
        """Wait until every answer has left; each that begins from here on is the last one on its connection."""
        self.is_ending = True
        if self._active:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()
