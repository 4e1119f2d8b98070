"""A streamed answer of which the worker has sent the end, and the client has not taken it."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from abeja.runtime import exchange
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.engine import AnswerHead, Call, Engine
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.spool import Spool
from abeja.runtime.worker.frames import INLINE_LIMIT_BYTES


class StreamingEngine:
    """Its worker has made all of a streamed answer by the time at which the server looks."""

    has_been_ready = has_ready_worker = is_recovering = True
    ahead = 0
    number = 1
    trouble = ""

    def __init__(self) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[], None] = lambda: None

    def free_worker(self) -> "StreamingEngine":
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
        call.on_answer(AnswerHead(status=200, content_type="a/b", headers=[], is_streamed=True), b"")
        for _ in range(3):
            call.on_chunk(bytes(INLINE_LIMIT_BYTES))
        call.on_end()


class SlowClient:
    """A `Receiver` that has to take each piece."""

    takes_body = True

    def __init__(self) -> None:
        self.pieces: list[asyncio.Future[None]] = []
        self.is_complete: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def respond(self, response: Response) -> None:
        """See `Receiver`."""

    def write(self, data: bytes) -> "asyncio.Future[None]":  # noqa: ARG002 (the interface)
        """See `Receiver`."""
        self.pieces.append(asyncio.get_running_loop().create_future())
        return self.pieces[-1]

    def finish(self, *, is_complete: bool) -> None:
        """See `Receiver`."""
        self.is_complete.set_result(is_complete)


@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("leaves", [False, True])
def test_a_client_that_does_not_take_the_end_of_an_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, taken: int, *, leaves: bool
) -> None:
    monkeypatch.setattr(exchange, "_STALL_S", 0.1)

    async def scene() -> None:
        client = SlowClient()
        with Spool() as spool:
            dispatcher = Dispatcher(cast("Engine", StreamingEngine()), spool=spool, queue_limit=1, timeout_s=None)
            submitted = dispatcher.submit(_request(), client)
            await asyncio.sleep(0)
            for number in range(taken):
                await asyncio.sleep(0.06)
                client.pieces[number].set_result(None)
                await asyncio.sleep(0)
            if leaves:
                submitted.cancel()
                await asyncio.sleep(0.15)
                assert client.is_complete.done() == (taken == 2)
            else:
                assert await asyncio.wait_for(client.is_complete, 10) == (taken == 2)

    asyncio.run(scene())


def _request() -> Request:
    return Request(
        request_id="1",
        method="POST",
        path="/",
        query="",
        content_type=None,
        headers=(),
        contents=(Content(body=b""),),
    )
