"""Whatever bytes come, in whatever pieces: the connection over llhttp, with an engine that answers by itself."""

import asyncio
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.engine import AnswerHead, Call, Worker
from abeja.runtime.journal import Journal
from abeja.runtime.plugins import Plugins
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.llhttp import LlhttpConnection, Surroundings
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.spool import Spool
from tests.faults.conftest import RawAnswer, take_answer

MAX_BODY = 5000
_BODY_BUFFER_BYTES = 1000


class EchoEngine:
    """One worker, which answers with the path and the body, some turns of the loop later."""

    def __init__(self) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[], None] = lambda: None
        self.has_been_ready = True
        self.has_ready_worker = True
        self.is_recovering = True
        self.trouble = ""
        self.load = self.ahead = 0
        self.number = 1

    @property
    def has_room(self) -> bool:
        return not self.load

    async def start(self) -> None:
        pass

    def report(self) -> dict[str, Any]:
        return {}

    def free_worker(self) -> Worker | None:
        return self if self.has_room else None

    def ahead_worker(self) -> Worker | None:
        return None

    def rebalance(self) -> None: ...

    def withdraw(self, call: Call) -> bool:  # noqa: ARG002 (the interface)
        return False

    def lease(self, call: Call) -> None:
        self.load = 1
        call.on_begun()
        asyncio.get_running_loop().call_soon(self._answer, call)

    def cancel_stream(self, call: Call) -> None: ...

    def pause(self, call: Call) -> None: ...

    def resume(self, call: Call) -> None: ...

    def kill(self, reason: str, *, cause: str, because_of: Call | None = None) -> None: ...

    def _answer(self, call: Call) -> None:
        request = call.request
        bodies = [content.body for content in request.contents]
        texts = [body if isinstance(body, bytes) else body.open().read() for body in bodies]
        seen = [request.method, request.path, b"".join(texts).decode("latin-1")]
        call.on_answer(AnswerHead(status=200, content_type="text/plain", headers=[]), json.dumps(seen).encode())
        self.load = 0
        self.on_room()


class Wire(asyncio.Transport):
    """The other end is the test: keeps what was written, delivers what is sent while it may."""

    def __init__(self, protocol: LlhttpConnection) -> None:
        super().__init__()
        self._protocol = protocol
        self._is_reading = True
        self._is_closing = False
        self._has_eof = False
        self.written = b""
        protocol.connection_made(self)

    async def deliver(self, pieces: Sequence[bytes]) -> None:
        """Send the pieces, then the end; as the event loop would, not while the connection is paused."""
        for piece in pieces:
            left = piece
            while left and not self._is_closing:
                await self._until(lambda: self._is_reading)
                buffer = self._protocol.get_buffer(-1)
                size = min(len(left), len(buffer))
                buffer[:size] = left[:size]
                self._protocol.buffer_updated(size)
                buffer[:size] = b"\xaa" * size
                left = left[size:]
        await self._until(lambda: self._is_reading)
        if not self._is_closing and not self._protocol.eof_received():
            self.close()
        await self._until(lambda: self._is_closing)

    async def _until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1000):
            if condition() or self._is_closing:
                return
            await asyncio.sleep(0)
        pytest.fail("the connection waits for ever")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._has_eof
        if not self._is_closing:
            self.written += data

    def write_eof(self) -> None:
        self._has_eof = True

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return self._is_reading

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        self._is_reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else default

    def getsockopt(self, level: int, option: int) -> int:  # noqa: ARG002 (the interface)
        return 0


class Bench:
    """Everything behind the connection, and one event loop for all examples."""

    def __init__(self, spool: Spool, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._spool = spool
        self._abi = Plugins.installed().abi("19.04", asked_by="a test")

    def exchange(self, pieces: Sequence[bytes]) -> list[RawAnswer]:
        """What is answered to these pieces, followed by the end of what the client sends."""
        return self._runner.run(self._exchange(pieces))

    async def _exchange(self, pieces: Sequence[bytes]) -> list[RawAnswer]:
        dispatcher = Dispatcher(EchoEngine(), spool=self._spool, queue_limit=10, timeout_s=None)
        await dispatcher.start()
        policy = Policy(abi=self._abi, max_body_bytes=MAX_BODY, hidden=frozenset())
        port = ModelPort(dispatcher=dispatcher, spool=self._spool, policy=policy, journal=Journal())
        lost: list[LlhttpConnection] = []
        buffer = bytearray(64 * 1024)
        # So small that these bodies need both.
        body_buffer = memoryview(bytearray(_BODY_BUFFER_BYTES))
        surroundings = Surroundings(
            port=port, idle_timeout_s=math.inf, buffer=buffer, body_buffer=body_buffer, on_lost=lost.append
        )
        wire = Wire(LlhttpConnection(surroundings, "127.0.0.1"))
        await wire.deliver(pieces)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(lost) == 1
        await asyncio.wait_for(port.activity.wait_until_idle(), 1)
        assert not list(self._spool.folder.iterdir())
        return list(_answers(wire.written))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Spool() as spool, asyncio.Runner() as runner:
        yield Bench(spool, runner)


BODIES = st.one_of(st.none(), st.binary(max_size=40), st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"x" * 3000]))
FRAMINGS = st.sampled_from(["length", "chunks", "upgrade", "upgraded chunks", "extension", "trailer"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[str, str, bytes]]:
    """A well-formed request, and what the handler gets of it."""
    path = draw(st.sampled_from(["/", "/a", "/a/b%20c"]))
    body, framing = draw(BODIES), draw(FRAMINGS)
    blank = draw(st.sampled_from([b"", b"", b"", b"\r\n", b"\r\n\r\n"]))
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n" if "upgrade" in framing else b""
    line = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: h\r\n".encode()
    # Means something to llhttp, and nothing to HTTP.
    line += draw(st.sampled_from([b"", b"", b"Proxy-Connection: close\r\n"]))
    if body is None:
        return blank + line + upgrade + b"\r\n", ("GET", path, b"")
    if framing in ("length", "upgrade"):
        return blank + line + upgrade + b"Content-Length: %d\r\n\r\n%b" % (len(body), body), ("POST", path, body)
    size = draw(st.integers(1, 50))
    extension = b";a=b" if framing == "extension" else b""
    trailer = b"X-Late: 1\r\n" if framing == "trailer" else b""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    coded = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks) + b"0\r\n" + trailer
    return blank + line + upgrade + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"\r\n", ("POST", path, body)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10**6), max_size=12)


@settings(deadline=None, max_examples=300)
@given(sent=st.lists(requests(), min_size=1, max_size=4), cuts=CUTS)
def test_the_handler_gets_the_same_however_the_bytes_are_split(
    bench: Bench, sent: list[tuple[bytes, tuple[str, str, bytes]]], cuts: list[int]
) -> None:
    data = b"".join(raw for raw, _ in sent)

    answers = bench.exchange(split(data, cuts))

    expected = [[method, path, body.decode("latin-1")] for _, (method, path, body) in sent]
    assert [json.loads(answer.body) for answer in answers] == expected


@settings(deadline=None, max_examples=10)
@given(sent=st.lists(requests(), min_size=1, max_size=2))
def test_the_handler_gets_the_same_byte_by_byte(bench: Bench, sent: list[tuple[bytes, tuple[str, str, bytes]]]) -> None:
    data = b"".join(raw for raw, _ in sent)

    answers = bench.exchange([data[place : place + 1] for place in range(len(data))])

    assert [answer.status for answer in answers] == [200] * len(sent)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.integers(0, 5),
        st.one_of(
            st.binary(max_size=4), st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\r\n\r\n", b"0"])
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=500)
@given(sent=st.lists(requests(), min_size=1, max_size=3), edits=EDITS, cuts=CUTS)
def test_damaged_requests_get_clean_answers_and_at_most_one_error(
    bench: Bench,
    sent: list[tuple[bytes, tuple[str, str, bytes]]],
    edits: list[tuple[int, int, bytes]],
    cuts: list[int],
) -> None:
    data = b"".join(raw for raw, _ in sent)
    for place, length, new in edits:
        start = place % (len(data) + 1)
        data = data[:start] + new + data[start + length :]

    answers = bench.exchange(split(data, cuts))

    closing = [answer for answer in answers if answer.headers.get("connection") == "close"]
    assert closing in ([], answers[-1:])
    assert {answer.status for answer in answers} <= {100, 200, 400, 405, 413, 414, 431, 505}


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300), cuts=CUTS)
def test_noise_gets_at_most_one_answer(bench: Bench, data: bytes, cuts: list[int]) -> None:
    answers = bench.exchange(split(data, cuts))

    assert [answer.status for answer in answers] in ([], [400], [405], [505])


def test_many_requests_at_once_are_answered_in_order(bench: Bench) -> None:
    data = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(1000))

    answers = bench.exchange(split(data, [5000, 10000, 15000, 20000, 25000]))

    assert [json.loads(answer.body)[1] for answer in answers] == [f"/{number}" for number in range(1000)]


def test_many_early_answers_do_not_pile_up_on_the_stack(bench: Bench) -> None:
    answers = bench.exchange([b"OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n" * 1900])

    assert [answer.status for answer in answers] == [405] * 1900


def _answers(raw: bytes) -> Iterator[RawAnswer]:
    while raw:
        taken = take_answer(raw)
        assert taken is not None, f"a part of an answer: {raw[:500]!r}"
        answer, raw = taken
        yield answer
