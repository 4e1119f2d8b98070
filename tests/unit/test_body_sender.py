"""Files on their way to a client, over a real connection."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from abeja.runtime.server.body_sender import BodySender
from abeja.runtime.server.body_source import FileSource
from abeja.runtime.server.event_loop import new_event_loop
from abeja.runtime.server.llhttp import LlhttpConnection, Surroundings

CONTENT = bytes(range(256)) * 8_000


@pytest.fixture(params=[asyncio.new_event_loop, new_event_loop], ids=["asyncio", "installed"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """Runs coroutines on each of the event loops that there may be."""
    make: Callable[[], asyncio.AbstractEventLoop] = request.param
    with asyncio.Runner(loop_factory=make) as one:
        yield one


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Larger than what a connection takes at once."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@contextmanager
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two that are connected, with little room between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        with socket.create_connection(listener.getsockname()) as theirs:
            ours, _ = listener.accept()
            yield ours, theirs


async def opened(ours: socket.socket) -> LlhttpConnection:
    """A connection of a client that says nothing."""
    surroundings = Surroundings(
        port=cast("Any", None),
        idle_timeout_s=60,
        buffer=bytearray(1),
        body_buffer=memoryview(bytearray(1)),
        on_lost=lambda _: None,
    )
    connection = LlhttpConnection(surroundings, "127.0.0.1")
    await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, ours)
    return connection


async def sent(path: Path, *, size_bytes: int) -> tuple[bool, bytes, int]:
    """Whether it is complete, what came, and how much was said to be sent; the client takes small pieces."""
    loop = asyncio.get_running_loop()
    with sockets() as (ours, theirs):
        connection = await opened(ours)
        done: asyncio.Future[bool] = loop.create_future()
        # Before it, as the head of an answer is.
        connection.write(b"head")
        sender = BodySender(connection, FileSource(path.open("rb")), size_bytes=size_bytes, on_done=done.set_result)
        sender.send()
        theirs.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        came = b""
        while len(came) < len(b"head") + size_bytes and not (done.done() and not done.result()):
            came += await asyncio.wait_for(loop.sock_recv(theirs, 100_000), 10)
        is_complete = await asyncio.wait_for(done, 10)
        connection.close()
        await asyncio.sleep(0)
    assert came.startswith(b"head") or not is_complete
    return is_complete, came.removeprefix(b"head"), sender.sent_bytes


def test_a_client_that_takes_little_at_once_gets_all_of_it(runner: asyncio.Runner, file: Path) -> None:
    assert runner.run(sent(file, size_bytes=len(CONTENT))) == (True, CONTENT, len(CONTENT))


def test_a_file_that_grows_is_sent_as_far_as_was_promised(runner: asyncio.Runner, file: Path) -> None:
    assert runner.run(sent(file, size_bytes=1000)) == (True, CONTENT[:1000], 1000)


def test_a_file_that_shrinks_is_no_complete_answer(
    runner: asyncio.Runner, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_bytes(b"short")

    is_complete, _, sent_bytes = runner.run(sent(file, size_bytes=len(CONTENT)))

    assert (is_complete, sent_bytes) == (False, 5)
    assert "has become shorter" in caplog.text


def test_what_the_system_cannot_send_is_read(runner: asyncio.Runner) -> None:
    path = Path("/proc/self/auxv")
    content = path.read_bytes()

    assert runner.run(sent(path, size_bytes=len(content))) == (True, content, len(content))


def test_a_client_that_has_left_ends_it(runner: asyncio.Runner, file: Path) -> None:
    async def left() -> bool:
        with sockets() as (ours, theirs):
            connection = await opened(ours)
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            sender = BodySender(
                connection, FileSource(file.open("rb")), size_bytes=len(CONTENT), on_done=done.set_result
            )
            sender.send()
            theirs.close()
            return await asyncio.wait_for(done, 10)

    assert not runner.run(left())
