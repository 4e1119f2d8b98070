"""A client that takes its streamed answer slowly keeps nobody else waiting: real workers, no HTTP."""

import asyncio
from pathlib import Path

import pytest

from abeja.runtime.assembly import Assembly
from abeja.runtime.messages import Response
from tests.end_to_end.assemblies import model_of, play, request_of, response_to

# "stream" and "busy" wait for the files "go stream" and "go busy".
CODE = """
import os, time

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.002)

def pieces(pause_s):
    wait_for("go stream")
    yield "x" * 70000
    time.sleep(pause_s)
    yield "x" * 70000

def handler(request, context):
    name = request.read().decode()
    if name.startswith("stream"):
        return {"content": pieces(float(name[7:]))}
    if name == "busy":
        wait_for("go busy")
    return {"content": name}
"""


class SlowClient:
    """A `Receiver` that takes nothing until it is told to."""

    takes_body = True

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.has_begun = asyncio.Event()
        self.takes: asyncio.Future[None] = loop.create_future()
        self.is_complete: asyncio.Future[bool] = loop.create_future()

    def respond(self, response: Response) -> None:
        """See `Receiver`."""
        assert response.body is None

    def write(self, data: bytes) -> "asyncio.Future[None]":  # noqa: ARG002 (the interface)
        """See `Receiver`."""
        self.has_begun.set()
        return self.takes

    def finish(self, *, is_complete: bool) -> None:
        """See `Receiver`."""
        self.is_complete.set_result(is_complete)


# With a pause, the worker is not done with the stream when its client is waited for; without, it may be.
@pytest.mark.parametrize("pause_s", [0, 0.2])
def test_no_request_waits_for_the_client_of_a_streamed_answer(
    tmp_path: Path, environ: dict[str, str], pause_s: float
) -> None:
    async def scene(assembly: Assembly) -> None:
        slow = SlowClient()
        assembly.dispatcher.submit(request_of("slow", f"stream {pause_s}".encode()), slow)
        busy = asyncio.ensure_future(response_to(assembly, "busy", b"busy"))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(response_to(assembly, str(number), b"other")) for number in range(4)]
        (tmp_path / "go stream").touch()
        await asyncio.wait_for(slow.has_begun.wait(), 20)
        (tmp_path / "go busy").touch()
        answers = await asyncio.wait_for(asyncio.gather(busy, *others), 20)
        assert [answer.status for answer in answers] == [200] * 5
        assert not slow.is_complete.done()
        slow.takes.set_result(None)
        assert await asyncio.wait_for(slow.is_complete, 20)

    play(scene, model_of(CODE, folder=tmp_path, environ=environ), workers=2, queue_limit=10)
