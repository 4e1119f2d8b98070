"""Clients that take their answers slowly, or not at all, over real connections of both kinds."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.engine import AnswerHead, Call, Engine
from abeja.runtime.events import RequestRecord
from abeja.runtime.journal import Journal
from abeja.runtime.plugins import Plugins
from abeja.runtime.server import llhttp, patience, tornado_http
from abeja.runtime.server.event_loop import new_event_loop
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.listener import Front
from abeja.runtime.server.llhttp_front import LlhttpFront
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.server.tornado_http import tornado_front
from abeja.runtime.spool import Spool

STALL_S = 0.6
PIECE = b"x" * 60_000
PIECES = {"at once": 1, "streamed": 13, "from a file": 13}
# What the systems hold is little, so that much waits in the process, also of an answer that is written at once.
BUFFER_BYTES = 4096
# A client that still takes something of its answer is neither idle nor lingers.
SHORT_S = 0.03
NewFront = Callable[..., Front]
NewLoop = Callable[[], asyncio.AbstractEventLoop]
FRONTS = [
    pytest.param(LlhttpFront, asyncio.new_event_loop, id="llhttp"),
    pytest.param(LlhttpFront, new_event_loop, id="llhttp on the loop that is installed"),
    pytest.param(tornado_front, asyncio.new_event_loop, id="tornado"),
]


class LargeEngine:
    """Its worker has made all of an answer by the time at which the server looks."""

    has_been_ready = has_ready_worker = is_recovering = True
    ahead = 0
    number = 1
    trouble = ""

    def __init__(self, spool: Spool, answer: str) -> None:
        self._spool = spool
        self._answer_kind = answer
        self.on_room: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[], None] = lambda: None

    def free_worker(self) -> "LargeEngine":
        """The only one."""
        return self

    def lease(self, call: Call) -> None:
        """See `Worker`."""
        call.on_begun()
        asyncio.get_running_loop().call_soon(self._answer, call)

    def pause(self, call: Call) -> None:
        """See `Worker`."""

    def resume(self, call: Call) -> None:
        """See `Worker`."""

    def _answer(self, call: Call) -> None:
        body = PIECE * PIECES[self._answer_kind]
        if self._answer_kind == "at once":
            call.on_answer(AnswerHead(status=200, content_type="a/b", headers=[]), body)
        elif self._answer_kind == "streamed":
            call.on_answer(AnswerHead(status=200, content_type="a/b", headers=[], is_streamed=True), b"")
            for _ in range(PIECES["streamed"]):
                call.on_chunk(PIECE)
            call.on_end()
        else:
            self._spool.create_folder("worker-1")
            file = self._spool.folder / "worker-1" / "answer"
            file.write_bytes(body)
            head = AnswerHead(status=200, content_type="a/b", headers=[], file=file, file_size_bytes=len(body))
            call.on_answer(head, b"")


class Records(Journal):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.come: asyncio.Future[RequestRecord] = asyncio.get_running_loop().create_future()
        self.is_watched = True

    def add(self, record: RequestRecord) -> None:
        """See `Journal`."""
        self.come.set_result(record)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for nobody long."""
    monkeypatch.setattr(patience, "STALL_S", STALL_S)
    monkeypatch.setattr(tornado_http, "LOOK_S", STALL_S / 10)
    for module in (llhttp, tornado_http):
        monkeypatch.setattr(module, "LINGER_S", SHORT_S)


@pytest.mark.parametrize(("new_front", "new_loop"), FRONTS)
@pytest.mark.parametrize("answer", ["streamed", "from a file"])
def test_a_client_that_takes_nothing_is_given_up(
    new_front: NewFront, new_loop: NewLoop, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "abeja.runtime")

    async def scene(client: socket.socket, records: Records) -> None:
        record = await asyncio.wait_for(records.come, 20)
        assert (record.status, record.outcome) == (200, "cut")
        raw = await _all_of(client, size_bytes=_size_of(answer), pause_s=0)
        assert raw.count(b"x") < _size_of(answer)

    _play(scene, new_front, new_loop, answer=answer)
    assert [record.getMessage() for record in caplog.records] == [
        "the client has taken nothing for 60 s; its answer is cut short"
    ]


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize(("new_front", "new_loop"), FRONTS)
@pytest.mark.parametrize("answer", list(PIECES))
def test_a_client_that_takes_little_at_a_time_gets_all(
    new_front: NewFront, new_loop: NewLoop, answer: str, *, is_last: bool
) -> None:
    async def scene(client: socket.socket, records: Records) -> None:
        # In half again the time in which it may take nothing.
        size_bytes = _size_of(answer)
        raw = await _all_of(client, size_bytes=size_bytes, pause_s=1.5 * STALL_S / (size_bytes / BUFFER_BYTES))
        assert raw.count(b"x") == size_bytes
        assert (await records.come).outcome == "complete"

    _play(scene, new_front, new_loop, answer=answer, is_last=is_last)


def _play(
    scene: Callable[[socket.socket, Records], Coroutine[Any, Any, None]],
    new_front: NewFront,
    new_loop: NewLoop,
    *,
    answer: str,
    is_last: bool = True,
) -> None:
    async def play() -> None:
        records = Records()
        with Spool() as spool, socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
            engine = cast("Engine", LargeEngine(spool, answer))
            dispatcher = Dispatcher(engine, spool=spool, queue_limit=1, timeout_s=None)
            abi = Plugins.installed().abi("19.04", asked_by="a test")
            policy = Policy(abi=abi, max_body_bytes=1000, hidden=frozenset())
            port = ModelPort(dispatcher=dispatcher, spool=spool, policy=policy, journal=records)
            front = new_front(port, idle_timeout_s=SHORT_S, on_lost=lambda: None)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            client.connect(listening.getsockname())
            accepted, _ = listening.accept()
            accepted.setblocking(False)  # noqa: FBT003 (the standard library's signature)
            client.setblocking(False)  # noqa: FBT003 (the standard library's signature)
            front.accept(accepted, "127.0.0.1")
            last = b"Connection: close\r\n" if is_last else b""
            await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\nHost: h\r\n" + last + b"\r\n")
            await scene(client, records)
            await front.close_all()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(play())


def _size_of(answer: str) -> int:
    return len(PIECE) * PIECES[answer]


async def _all_of(client: socket.socket, *, size_bytes: int, pause_s: float) -> bytes:
    raw = b""
    while True:
        try:
            data = await asyncio.get_running_loop().sock_recv(client, BUFFER_BYTES)
        except ConnectionResetError:
            return raw
        raw += data
        if not data or raw.count(b"x") == size_bytes:
            return raw
        await asyncio.sleep(pause_s)
