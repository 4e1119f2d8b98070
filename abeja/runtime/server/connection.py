"""The seam to HTTP: what the server asks of the connection that a request came on.

Tornado's HTTP/1 connection has all of this; so must any other that drives the model's port.
"""

from collections.abc import Callable
from typing import Protocol

from tornado.concurrent import Future
from tornado.httputil import HTTPHeaders, ResponseStartLine


class Stream(Protocol):
    """What the connection reads from and writes to."""

    def closed(self) -> bool:
        """Whether it has been closed, by us or by the client."""


class Context(Protocol):
    """Who is at the other end."""

    remote_ip: str


class Connection(Protocol):
    """`tornado.httputil.HTTPConnection`, with what its users need beside it."""

    stream: Stream
    context: Context

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> "Future[None]":
        """Send the head, with the first piece of the body."""

    def write(self, chunk: bytes) -> "Future[None]":
        """Send a piece of the body; the future is done when it has left the buffer."""

    def finish(self) -> None:
        """The answer is complete."""

    def close(self) -> None:
        """Close it as it is."""

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Have `callback` called if the client leaves between its request and the end of the answer."""


class ConnectionState:
    """What the requests on one connection share.

    Attributes:
        has_ended: what still arrives on it cannot be answered, so nothing of it may run.
    """

    def __init__(self) -> None:
        self.has_ended = False
