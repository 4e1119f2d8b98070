"""Which answers are still on their way, so that a stop does not cut them."""

import asyncio


class Activity:
    """The requests between their head and the last byte of their answer."""

    def __init__(self) -> None:
        self._active: set[object] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._active)

    def begin(self, request: object) -> None:
        """A request has arrived."""
        self._active.add(request)
        self._idle.clear()

    def end(self, request: object) -> None:
        """Its answer has left, or its client has; a second call does nothing."""
        self._active.discard(request)
        if not self._active:
            self._idle.set()

    async def wait_until_idle(self) -> None:
        """Wait until every answer has left."""
        await self._idle.wait()
