"""What requests leave in the memory of the server: real workers and a real connection, in this process."""

import asyncio
import gc
import socket
from pathlib import Path

import pytest

from abeja.runtime.assembly import Assembly
from abeja.runtime.exchange import Exchange
from abeja.runtime.journal import Journal
from abeja.runtime.server.answer import Answer
from abeja.runtime.server.intake import Intake, Policy
from abeja.runtime.server.llhttp import LlhttpConnection, Surroundings
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.spool import Spool
from tests.end_to_end.assemblies import model_of, play


@pytest.mark.parametrize("size_bytes", [0, 10, 100_000])
def test_a_request_that_was_answered_leaves_nothing_for_the_collector(
    tmp_path: Path, environ: dict[str, str], size_bytes: int
) -> None:
    code = "def handler(request, context):\n    return {'content': str(len(request.read()))}\n"
    model = model_of(code, folder=tmp_path, environ=environ)
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size_bytes + bytes(size_bytes)

    async def scene(assembly: Assembly) -> None:
        with Spool() as spool:
            policy = Policy(abi=model.abi, max_body_bytes=10**6, hidden=frozenset())
            reader, writer = await _connected(
                ModelPort(dispatcher=assembly.dispatcher, spool=spool, policy=policy, journal=Journal())
            )
            gc.collect()
            gc.disable()
            try:
                for _ in range(3):
                    writer.write(request)
                    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                    assert await reader.readexactly(len(str(size_bytes))) == b"%d" % size_bytes
                left = [one for one in gc.get_objects() if isinstance(one, Intake | Answer | Exchange)]
            finally:
                gc.enable()
            writer.close()
            assert left == []

    play(scene, model)


async def _connected(port: ModelPort) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client's end of a connection to the port."""
    surroundings = Surroundings(
        port=port,
        idle_timeout_s=20,
        buffer=bytearray(64 * 1024),
        body_buffer=memoryview(bytearray(256 * 1024)),
        on_lost=lambda _: None,
    )
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003 (the standard library's signature)
    loop = asyncio.get_running_loop()
    await loop.connect_accepted_socket(lambda: LlhttpConnection(surroundings, "127.0.0.1"), theirs)
    return await asyncio.open_connection(sock=ours)
