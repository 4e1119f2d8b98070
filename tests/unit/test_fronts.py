"""The parts of which fronts and the main process are made."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from abeja.runtime.answers import REQUEST_ID_HEADER
from abeja.runtime.errors import NotReadyError, QueueFullError, RequestError
from abeja.runtime.fronts import codec, handover
from abeja.runtime.fronts.flow import Flow
from abeja.runtime.fronts.handover import Handover, Takeover
from abeja.runtime.fronts.standing import Standing
from abeja.runtime.fronts.wire import WINDOW_BYTES, Wire
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.worker import frames

REQUEST = Request(
    request_id="r",
    method="POST",
    path="/\udcff",
    query="a=b",
    content_type="multipart/form-data",
    headers=(("accept", ("a", "b")), ("x-\xff", ("",))),
    contents=(
        Content(body=b"\0one", content_type="image/png", file_name="\u732b.png", form_name="cat"),
        Content(body=b""),
        Content(body=b"two"),
    ),
    client_ip="::1",
)
ID = (REQUEST_ID_HEADER, "r")


def test_a_request_arrives_as_it_was_sent() -> None:
    header, payload = codec.encode_request(1, REQUEST, may_stream=True, takes_body=False)
    ((parsed, data),) = frames.Decoder().feed(
        frames.prefix(len(header), sum(map(len, payload))) + header + b"".join(payload)
    )

    assert codec.decode_request(parsed, data) == REQUEST
    assert (parsed["may_stream"], parsed["takes_body"]) == (True, False)


@pytest.mark.parametrize("body", [b"", b"\0body", None])
@pytest.mark.parametrize(
    "headers",
    [(("Content-Type", "a/b"), ID), (ID, ("Retry-After", "1")), (("X", "\u732b"),), (), (("X", "x" * 2_000_000), ID)],
)
def test_an_answer_arrives_as_it_was_sent(body: bytes | None, headers: tuple[tuple[str, str], ...]) -> None:
    response = Response(status=203, headers=headers, body=body, error="queue-full")
    header, payload = codec.encode_response(1, response, stages=(1.5, None, None, 0, ""))
    ((parsed, data),) = frames.Decoder().feed(
        frames.prefix(len(header), sum(map(len, payload))) + header + b"".join(payload)
    )

    assert codec.decode_response(parsed, data, request_id="r") == response


@pytest.mark.parametrize(
    "error",
    [None, QueueFullError("full"), NotReadyError("not", fields={"reason": "why"})],
    ids=["admitted", "full", "not ready"],
)
def test_a_standing_arrives_as_it_was_sent(error: RequestError | None) -> None:
    class Admission:
        trouble = "" if error is None else "trouble"

        def refusal(self) -> RequestError | None:
            return error

        def submit(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

    standing = Standing.of(Admission())
    ((header, _),) = frames.Decoder().feed(frames.encode(standing.header()))
    arrived = Standing.from_header(header)

    assert arrived == standing
    again = arrived.error()
    assert (again is None) == (error is None)
    if again is not None and error is not None:
        assert (type(again), again.message, again.fields) == (type(error), error.message, error.fields)


def test_frames_of_one_turn_arrive_in_order_and_those_that_come_first_first() -> None:
    async def play() -> list[Any]:
        arrived: list[Any] = []
        ours, theirs, closed = await _wires(lambda header, payload: arrived.append((header["kind"], payload)))
        ours.send({"kind": "a"}, b"1")
        ours.send_encoded(frames.encode_json({"kind": "b"}), b"2", b"3")
        ours.send_first({"kind": "first"})
        ours.close()
        await closed.wait()
        theirs.close()
        return arrived

    assert asyncio.run(play()) == [("first", b""), ("a", b"1"), ("b", b"23")]


def test_what_cannot_be_handled_closes_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Any, __: bytes) -> None:
        raise ValueError("no")

    async def play() -> None:
        ours, _, closed = await _wires(fail)
        ours.send({"kind": "a"})
        await closed.wait()

    asyncio.run(play())

    assert "could not be handled" in caplog.text


def test_connections_wait_until_the_front_takes_them_and_keep_their_order() -> None:
    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            giving, taking = handover.pair()
            given = Handover(giving, taking)
            clients = []
            # More than a socket holds.
            for number in range(1000):
                client = socket.create_connection(server.getsockname())
                clients.append(client.getsockname())
                client.close()
                accepted, _ = server.accept()
                given.give(accepted, f"address-{number}")
            taken: list[tuple[Any, str]] = []
            is_all = asyncio.Event()

            def take(connection: socket.socket, address: str) -> None:
                with connection:
                    taken.append((connection.getpeername(), address))
                    assert connection.gettimeout() == 0
                if len(taken) == len(clients):
                    is_all.set()

            takeover = Takeover(taking, on_taken=given.taken, on_connection=take, on_lost=lambda: None)
            await asyncio.wait_for(is_all.wait(), 10)
            assert taken == [(client, f"address-{number}") for number, client in enumerate(clients)]
            takeover.close()
            assert given.close() == []

    asyncio.run(play())


def test_what_a_front_was_not_given_is_left_over_when_it_goes() -> None:
    async def play() -> None:
        giving, taking = handover.pair()
        given = Handover(giving, taking.dup())
        pairs = [socket.socketpair() for _ in range(4)]
        connections = [(ours, f"address-{number}") for number, (ours, _) in enumerate(pairs)]
        for connection in connections[:3]:
            given.give(*connection)
        taking.recv(100)
        given.taken(1)
        taking.close()
        given.give(*connections[3])

        assert given.close() == connections[1:]
        assert connections[0][0].fileno() == -1
        for pair in pairs:
            for sock in pair:
                sock.close()

    asyncio.run(play())


def test_what_a_front_has_read_but_not_told_closes_when_it_goes() -> None:
    async def play() -> None:
        giving, taking = handover.pair()
        given = Handover(giving, taking.dup())
        pairs = [socket.socketpair() for _ in range(2)]
        connections = [(ours, f"address-{number}") for number, (ours, _) in enumerate(pairs)]
        for connection in connections:
            given.give(*connection)
        taking.recv(100)
        taking.close()

        assert given.close() == connections[1:]
        assert pairs[0][1].recv(1) == b""
        for pair in pairs:
            for sock in pair:
                sock.close()

    asyncio.run(play())


class _Client:
    """A sink whose client takes pieces when it is told to."""

    def __init__(self, *, is_slow: bool) -> None:
        self._is_slow = is_slow
        self.pieces: list[bytes] = []
        self.endings: list[bool] = []
        self.waiting: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        self.pieces.append(data)
        self.waiting = asyncio.get_running_loop().create_future() if self._is_slow else None
        return self.waiting

    def finish(self, *, is_complete: bool) -> None:
        self.endings.append(is_complete)

    async def take(self) -> None:
        """Take the piece that was written last."""
        assert self.waiting is not None
        self.waiting.set_result(None)
        await asyncio.sleep(0)


def test_a_fast_client_is_credited_in_steps() -> None:
    async def play() -> None:
        client, credited = _Client(is_slow=False), list[int]()
        flow = Flow(client, credit=credited.append)
        for _ in range(8):
            flow.write(b"x" * (WINDOW_BYTES // 8))
        flow.end()

        assert credited == [WINDOW_BYTES // 2] * 2
        assert client.endings == [True]

    asyncio.run(play())


def test_a_slow_client_is_credited_what_it_has_taken_and_no_more() -> None:
    async def play() -> None:
        client, credited = _Client(is_slow=True), list[int]()
        flow = Flow(client, credit=credited.append)
        for piece in (b"a" * 10, b"b" * 20, b"c" * 30):
            flow.write(piece)
        assert (client.pieces, credited) == ([b"a" * 10], [])
        await client.take()
        assert (client.pieces[1:], credited) == ([b"b" * 20 + b"c" * 30], [10])
        flow.end()
        assert client.endings == []
        await client.take()
        assert client.endings == [True]

    asyncio.run(play())


async def _wires(on_frame: Callable[[Any, bytes], None]) -> tuple[Wire, Wire, asyncio.Event]:
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    one = Wire(on_frame=lambda *_: None, on_closed=lambda: None)
    other = Wire(on_frame=on_frame, on_closed=closed.set)
    await loop.create_unix_connection(lambda: one, sock=ours)
    await loop.create_unix_connection(lambda: other, sock=theirs)
    return one, other, closed
