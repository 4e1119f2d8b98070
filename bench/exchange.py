"""One request and its answer, with a client of the standard library."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass

_HOST = "127.0.0.1"
_BLOCK = bytes(1024 * 1024)


class StatusError(http.client.HTTPException):
    """An answer with another status than 200.

    Args:
        status: its code.
        body: of the answer.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"status {status}: {body[:200].decode(errors='replace')}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to a server on this machine.

    Attributes:
        port: of the server.
        path: its target.
        body: POST has one; without, it is a GET.
        content_type: of the body.
        timeout_s: for every step of it.
    """

    port: int
    path: str
    body: bytes | None = None
    content_type: str = "application/json"
    timeout_s: float = 30.0

    def head(self, *, keep_alive: bool = True) -> bytes:
        """The request up to its body, as it is sent."""
        lines = [f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1", f"Host: {_HOST}:{self.port}"]
        if self.body is not None:
            lines += [f"Content-Type: {self.content_type}", f"Content-Length: {len(self.body)}"]
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode()


def answer(request: Request) -> bytes:
    """The body of a 200 answer.

    Raises:
        OSError: it cannot be reached.
        StatusError: it answers another status.
        http.client.HTTPException: it does not answer HTTP.
    """
    connection = http.client.HTTPConnection(_HOST, request.port, timeout=request.timeout_s)
    try:
        return _body(_sent(connection, request))
    finally:
        connection.close()


def first_byte_s(request: Request) -> float:
    """Seconds until the first byte of the body of the answer; the rest is read too."""
    connection = http.client.HTTPConnection(_HOST, request.port, timeout=request.timeout_s)
    try:
        connection.connect()
        began = time.perf_counter()
        response = _sent(connection, request)
        response.read(1)
        seconds = time.perf_counter() - began
        response.read()
        return seconds
    finally:
        connection.close()


def upload(request: Request, size: int) -> bytes:
    """Send `size` zero bytes in place of the request's body; the body of the answer."""
    connection = http.client.HTTPConnection(_HOST, request.port, timeout=request.timeout_s)
    try:
        connection.putrequest("POST", request.path)
        connection.putheader("Content-Type", request.content_type)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        for block in _blocks(size):
            connection.send(block)
        return _body(connection.getresponse())
    finally:
        connection.close()


def _sent(connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
    if request.body is None:
        connection.request("GET", request.path)
    else:
        connection.request("POST", request.path, request.body, {"Content-Type": request.content_type})
    return connection.getresponse()


def _body(response: http.client.HTTPResponse) -> bytes:
    body = response.read()
    if response.status != http.client.OK:
        raise StatusError(response.status, body)
    return body


def _blocks(size: int) -> Iterator[memoryview]:
    block = memoryview(_BLOCK)
    for _ in range(size // len(_BLOCK)):
        yield block
    yield block[: size % len(_BLOCK)]
