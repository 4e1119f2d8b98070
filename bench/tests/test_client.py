import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench import client
from bench.client import Head, ParsingError, parse_head, percentile
from bench.exchange import Request
from bench.load import Shape

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def test_head_with_a_length() -> None:
    assert parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length:  12") == Head(
        status=200, length=12, keep_alive=True
    )


def test_head_of_chunks() -> None:
    head = parse_head(b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\nConnection: Close")

    assert head == Head(status=503, length=None, keep_alive=False)


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-x", b"HTTP/1.1 abc", b"HTTP/1.1 200 OK\r\nServer: x"])
def test_head_that_says_no_length_is_refused(data: bytes) -> None:
    with pytest.raises(ParsingError):
        parse_head(data)


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_percentile_is_of_the_nearest_rank(percent: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], percent) == value


@pytest.mark.parametrize(
    "answer",
    [
        HELLO,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    ],
    ids=["length", "chunked", "close"],
)
def test_load_counts_what_is_answered(answer: bytes) -> None:
    with _server(answer) as (port, asked):
        load = client.load(Request(port=port, path="/x", body=b"body"), Shape(connections=2, seconds=0.3))

    assert load.errors == 0
    # Those that were under way at the end are not counted.
    assert 0 <= asked() - load.requests <= 2
    assert load.requests > 10
    assert 0 < load.p50_ms <= load.p99_ms < 300
    assert 0.3 <= load.seconds < 3


def test_load_counts_errors() -> None:
    with _server(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") as (port, _):
        load = client.load(Request(port=port, path="/x", body=b"body"), Shape(connections=1, seconds=0.2))

    assert load.errors == load.requests > 0


def test_load_ends_though_nothing_is_answered() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello") as (port, _):
        load = client.load(Request(port=port, path="/x", body=b"body"), Shape(connections=2, seconds=0.2))

    assert load.requests == 0
    assert load.seconds < 3


@contextmanager
def _server(answer: bytes) -> Iterator[tuple[int, Callable[[], int]]]:
    """A server that gives the same answer to each request with the body ``body``; and how many it was asked."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        try:
            while True:
                await reader.readuntil(b"\r\n\r\nbody")
                asked += 1
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main(sock: socket.socket, stop: asyncio.Event) -> None:
        async with await asyncio.start_server(serve, sock=sock):
            await stop.wait()

    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=loop.run_until_complete, args=(main(sock, stop),))
        thread.start()
        try:
            yield sock.getsockname()[1], lambda: asked
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.run_until_complete(asyncio.sleep(0.05))
            loop.close()
