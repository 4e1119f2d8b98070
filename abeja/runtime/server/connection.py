"""The seam to HTTP: what the server asks of the connection that a request came on, and what it offers.

Two connections drive it: one of ours over llhttp, and tornado's. They know bytes and framing; whether a
request is admitted and what is answered is decided behind the seam, for both alike.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

# Time for a client to read the answer after which its connection is closed, while it may still send.
LINGER_S = 5.0


class Connection(Protocol):
    """One connection, as the request on it sees it.

    Attributes:
        remote_ip: the address at the other end.
    """

    remote_ip: str

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed, by us or by the client."""

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """Send some bytes. A client that takes nothing for too long is given up: see `Patience`.

        Returns:
            None, or a future that is done when the client has taken enough of what was sent, or has left.
        """

    def unused_descriptor(self) -> int:
        """That of its socket, to send on without a copy here.

        Raises:
            BlockingIOError: what was written before has to go first, or the connection has closed.
        """

    def finish(self, *, closes: bool) -> None:
        """The answer is complete. If it `closes`, the client sees the end, and what it still sends is dropped."""

    def close(self) -> None:
        """Close it now: what has not been sent is lost."""

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """Call `callback` when what was written has left the process, or cannot any more."""
