"""A load generator for machines without wrk: asyncio, one protocol for each connection.

It needs more processor time than wrk, so that figures of fast servers are lower; the report names the client.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field

from bench.exchange import Request
from bench.load import Load, Shape

_HEAD_END = b"\r\n\r\n"


class ParsingError(Exception):
    """What came is no answer of HTTP/1.1."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The head of an answer.

    Attributes:
        status: its code.
        length: of the body; None if it comes in chunks.
        keep_alive: whether the server keeps the connection open.
    """

    status: int
    length: int | None
    keep_alive: bool


def parse_head(data: bytes) -> Head:
    """The head of an answer, without the empty line.

    Raises:
        ParsingError: it is none.
    """
    first, *lines = data.split(b"\r\n")
    words = first.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ParsingError(f"no status line: {first[:100]!r}")
    fields = {
        name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(b":") for line in lines)
    }
    is_chunked = fields.get(b"transfer-encoding") == b"chunked"
    if not is_chunked and b"content-length" not in fields:
        raise ParsingError("an answer without Content-Length and without chunks")
    return Head(
        status=int(words[1]),
        length=None if is_chunked else int(fields[b"content-length"]),
        keep_alive=fields.get(b"connection") != b"close" and words[0] != b"HTTP/1.0",
    )


@dataclass(kw_only=True)
class _Tally:
    """What all connections have seen."""

    give_up: float
    times: list[float] = field(default_factory=list)
    errors: int = 0


class _Connection(asyncio.Protocol):
    """One connection, which sends the next request when the answer is whole."""

    def __init__(self, payload: bytes, tally: _Tally, *, keep_alive: bool) -> None:
        self._payload = payload
        self._tally = tally
        self._keep_alive = keep_alive
        self._buffer = bytearray()
        self._head: Head | None = None
        self._missing = 0
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self._is_waiting = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # what TCP connections have
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            is_whole = self._is_whole()
        except ParsingError:
            self._fail()
            return
        if is_whole:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        # The load is over when its time is: what is then under way counts neither way.
        if self._is_waiting and time.perf_counter() < self._tally.give_up:
            self._tally.errors += 1
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101 # it is connected
        self._buffer.clear()
        self._head = None
        self._is_waiting = True
        self._began = time.perf_counter()
        self._transport.write(self._payload)

    def _is_whole(self) -> bool:
        if self._head is None:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                return False
            self._head = parse_head(bytes(self._buffer[:end]))
            del self._buffer[: end + len(_HEAD_END)]
        if self._head.length is None:
            # Bodies of the jobs do not end so before their end.
            return self._buffer.endswith(b"0\r\n\r\n")
        return len(self._buffer) >= self._head.length

    def _finish(self) -> None:
        assert self._head is not None  # noqa: S101 # it is whole
        now = time.perf_counter()
        self._is_waiting = False
        self._tally.times.append(now - self._began)
        self._tally.errors += self._head.status >= 400
        if now >= self._tally.give_up or not self._keep_alive or not self._head.keep_alive:
            self.close()
        else:
            self._send()

    def _fail(self) -> None:
        self._is_waiting = False
        self._tally.errors += 1
        self.close()


def load(request: Request, shape: Shape) -> Load:
    """Make the load in this process."""
    return asyncio.run(_load(request, shape))


async def _load(request: Request, shape: Shape) -> Load:
    began = time.perf_counter()
    tally = _Tally(give_up=began + shape.seconds)
    payload = request.head(keep_alive=shape.keep_alive) + (request.body or b"")
    lanes = [_lane(request.port, payload, tally, shape) for _ in range(shape.connections)]
    await asyncio.gather(*lanes)
    times = sorted(tally.times) or [0.0]
    return Load(
        requests=len(tally.times),
        seconds=time.perf_counter() - began,
        p50_ms=percentile(times, 50) * 1000,
        p99_ms=percentile(times, 99) * 1000,
        errors=tally.errors,
    )


async def _lane(port: int, payload: bytes, tally: _Tally, shape: Shape) -> None:
    """One connection after the other until the time is over."""
    loop = asyncio.get_running_loop()
    while (left := tally.give_up - time.perf_counter()) > 0:
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(payload, tally, keep_alive=shape.keep_alive), "127.0.0.1", port
            )
        except OSError:
            tally.errors += 1
            await asyncio.sleep(0.01)
            continue
        try:
            await asyncio.wait_for(asyncio.shield(connection.closed), left)
        except TimeoutError:
            connection.close()
            await connection.closed


def percentile(times: list[float], percent: float) -> float:
    """The value below which `percent` of the sorted `times` are (nearest rank)."""
    return times[max(0, min(len(times) - 1, math.ceil(len(times) * percent / 100) - 1))]
