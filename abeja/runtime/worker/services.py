"""What the worker lends to an ABI's worker module."""

import collections.abc
from typing import Any, AsyncIterable, Awaitable, Iterator, List, Optional


class Services(object):
    """Handed to ``Adapter(function, services)``.

    Attributes:
        encoders: the encoder classes of the image version, in its order.
        version: the version of abeja-runtime.
    """

    def __init__(self, encoders: List[Any], version: str) -> None:
        self.encoders = encoders
        self.version = version
        self._loop: Optional[Any] = None

    def settle(self, value: Any) -> Any:
        """`value`, or its result when it is awaitable (a handler that is an ``async def``)."""
        if not isinstance(value, collections.abc.Awaitable):
            return value
        return self._run(value)

    def iterate(self, stream: AsyncIterable[Any]) -> Iterator[Any]:
        """The items of an asynchronous iterable, one by one as they come."""
        iterator = stream.__aiter__()
        try:
            while True:
                try:
                    item = self._run(iterator.__anext__())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                self._run(close())

    def close(self) -> None:
        """Close the event loop, if there is one."""
        if self._loop is not None:
            import asyncio

            asyncio.set_event_loop(None)
            self._loop.close()
            self._loop = None

    def _run(self, awaitable: Awaitable[Any]) -> Any:
        # Imported on first use: most handlers are synchronous, and asyncio is a tenth of a second of start-up.
        import asyncio

        if self._loop is None:
            # One loop for the worker's life, so that a handler may keep clients and locks between requests.
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(_as_coroutine(awaitable))


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
