"""The server's end of the socket to a worker, at the other end a plain socket."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from attrs import define, field

from abeja.runtime.engine import WorkerUnreachableError
from abeja.runtime.pool.channel import Channel
from abeja.runtime.worker import frames

LARGE = bytes(range(256)) * 4096


@define
class Ends:
    """A channel, the socket at its other end, and what the channel has told."""

    theirs: socket.socket
    channel: Channel = field(init=False)
    received: list[frames.Frame] = field(factory=list)
    closed: list[Exception | None] = field(factory=list)

    def open(self, ours: socket.socket) -> None:
        """Open the channel."""
        self.channel = Channel(on_frame=lambda *frame: self.received.append(frame), on_closed=self.closed.append)
        self.channel.open(ours)

    async def wait(self, condition: Callable[[], object]) -> None:
        """Let the loop go round until `condition` holds."""
        while not condition():  # noqa: ASYNC110 (an event would be set by the code under test)
            await asyncio.sleep(0)

    async def read_frames(self, count: int) -> list[frames.Frame]:
        """What arrives at the other end, read in small pieces and slowly."""
        decoder = frames.Decoder()
        found: list[frames.Frame] = []
        while len(found) < count:
            found += decoder.feed(await asyncio.get_running_loop().sock_recv(self.theirs, 40_000))
        return found


def run(scene: Callable[[Ends], Coroutine[Any, Any, None]]) -> None:
    """Play a scene in an event loop."""

    async def play() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        ends = Ends(theirs)
        ends.open(ours)
        try:
            await asyncio.wait_for(scene(ends), 20)
        finally:
            ends.channel.close()
            theirs.close()

    asyncio.run(play())


def test_frames_that_the_socket_does_not_take_at_once_arrive_whole_and_in_order() -> None:
    sent = [({"kind": "request", "id": number}, LARGE[: size * 7]) for number, size in enumerate((0, 1, 149_796, 5))]

    async def scene(ends: Ends) -> None:
        for header, payload in sent * 3:
            ends.channel.send(frames.encode_json(header), payload)
        assert await ends.read_frames(len(sent) * 3) == sent * 3
        # The kept ones have gone: a new one goes straight out.
        ends.channel.send(frames.encode_json({"kind": "cancel"}))
        assert await ends.read_frames(1) == [({"kind": "cancel"}, b"")]

    run(scene)


def test_a_frame_for_a_worker_that_has_gone_is_not_handed_over() -> None:
    async def scene(ends: Ends) -> None:
        ends.theirs.close()
        for _ in range(2):
            with pytest.raises(WorkerUnreachableError):
                ends.channel.send(frames.encode_json({"kind": "request"}), b"body")
            assert not ends.channel.is_open

    run(scene)


def test_what_a_worker_sent_before_it_went_is_read_all_the_same() -> None:
    async def scene(ends: Ends) -> None:
        ends.theirs.send(frames.encode({"kind": "end", "id": 1}))
        ends.theirs.close()
        with pytest.raises(WorkerUnreachableError):
            ends.channel.send(frames.encode_json({"kind": "request"}))
        await ends.wait(lambda: ends.closed)
        assert ends.received == [({"kind": "end", "id": 1}, b"")]

    run(scene)


def test_a_frame_that_was_begun_when_the_worker_went_is_no_error_of_the_sender() -> None:
    async def scene(ends: Ends) -> None:
        ends.channel.send(frames.encode_json({"kind": "request"}), LARGE)
        ends.theirs.close()
        await ends.wait(lambda: ends.closed)
        assert not ends.channel.is_open

    run(scene)


def test_a_frame_above_the_limits_leaves_the_channel_as_it_is() -> None:
    async def scene(ends: Ends) -> None:
        with pytest.raises(frames.FrameError):
            ends.channel.send(frames.encode_json({"kind": "request"}), b"x" * (frames.PAYLOAD_LIMIT_BYTES + 1))
        ends.channel.send(frames.encode_json({"kind": "request"}), b"x")
        assert await ends.read_frames(1) == [({"kind": "request"}, b"x")]

    run(scene)


def test_nothing_is_read_during_a_pause() -> None:
    async def scene(ends: Ends) -> None:
        ends.channel.pause()
        ends.theirs.send(frames.encode({"kind": "end"}))
        await asyncio.sleep(0.05)
        assert ends.received == []
        ends.channel.resume()
        await ends.wait(lambda: ends.received)

    run(scene)


def test_what_is_no_frame_closes_the_channel_with_the_error() -> None:
    async def scene(ends: Ends) -> None:
        ends.theirs.send(b"GET / HTTP/1.1\r\n")
        await ends.wait(lambda: ends.closed)
        assert isinstance(ends.closed[0], frames.FrameError)
        assert await asyncio.get_running_loop().sock_recv(ends.theirs, 1) == b""

    run(scene)
