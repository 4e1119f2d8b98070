"""What the worker lends to an ABI's worker module."""

import collections.abc
import json
from typing import Any, AsyncIterable, Awaitable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from . import labelled_output

# Our own: user code may replace json.dumps.
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


class Services(object):
    """Handed to ``Adapter(function, services)``. Any thread may use it.

    Args:
        shared_loop: runs the coroutines of requests that run at once, as `SharedLoop` does; without one,
            the calling thread does.

    Attributes:
        encoders: the encoder classes of the image version, in its order.
        version: the version of abeja-runtime.
        handler: ``<module>:<function>``; the module is in `sys.modules`.
    """

    def __init__(self, encoders: List[Any], version: str, handler: str = "", shared_loop: Optional[Any] = None) -> None:
        self.encoders = encoders
        self.version = version
        self.handler = handler
        self._shared_loop = shared_loop
        self._loop: Optional[Any] = None

    def settle(self, value: Any) -> Any:
        """`value`, or its result when it is awaitable (a handler that is an ``async def``)."""
        # The first question is the cheap one: abstract classes are slow to ask, most of all on 3.6.
        if type(value) is dict or not isinstance(value, collections.abc.Awaitable):
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

    def refusal(
        self,
        message: Any,
        *,
        status: int,
        reason: str,
        fields: Optional[Mapping[str, Any]] = None,
        headers: Iterable[Tuple[str, str]] = (),
    ) -> Dict[str, Any]:
        """A reply that refuses a request which is at fault, in the form of the server's own errors.

        The reason is also a line of the log.

        Args:
            message: the request.
            status: from 400 to 499.
            reason: for the client.
            fields: further members of the JSON body.
            headers: further response headers.
        """
        labelled_output.log("refused: %d %s" % (status, " ".join(reason.split())))
        body = dict({"status": reason}, **(fields or {}), request_id=message.request_id)
        return {
            "status": status,
            "content_type": "application/json",
            "headers": list(headers),
            "body": [_encode_json(body).encode("ascii")],
            "streamed": False,
        }

    def close(self) -> None:
        """Close the event loop, if there is one."""
        if self._loop is not None:
            import asyncio

            asyncio.set_event_loop(None)
            self._loop.close()
            self._loop = None

    def _run(self, awaitable: Awaitable[Any]) -> Any:
        if self._shared_loop is not None:
            return self._shared_loop.run(awaitable)
        # Imported on first use: most handlers are synchronous, and asyncio is a tenth of a second of start-up.
        import asyncio

        if self._loop is None or self._loop.is_closed():
            # One loop for the worker's life, so that a handler may keep clients and locks between requests;
            # another one only if the handler has closed it.
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(_as_coroutine(awaitable))


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
