"""A connection over llhttp, with a real socket at the other end and a test in the place of the model's port."""

import asyncio
import socket
import struct
from typing import Any, cast

from attrs import define

from abeja.runtime.server.connection import Connection
from abeja.runtime.server.llhttp import LlhttpConnection, Surroundings
from abeja.runtime.server.model_port import ModelPort

_RESET = struct.pack("ii", 1, 0)


@define
class LeavingPort:
    """Answers each request when its client has just reset the connection.

    Attributes:
        client: the client's end.
        has_finished: whether the connection has taken the end of the answer.
    """

    client: socket.socket
    has_finished: bool = False

    def new_intake(self, connection: Connection) -> Any:
        """An intake of one answer."""
        return _Intake(self, connection)


@define
class _Intake:
    port: LeavingPort
    connection: Connection

    def headers_received(self, head: object) -> None:
        pass

    def finish(self) -> None:
        self.connection.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        self.port.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.port.client.close()
        self.connection.finish(closes=True)
        self.port.has_finished = True


def test_an_answer_ends_also_if_its_client_leaves_just_before_its_end() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
        lost = asyncio.Event()
        port = LeavingPort(client)
        surroundings = Surroundings(
            port=cast("ModelPort", port),
            idle_timeout_s=20,
            buffer=bytearray(65536),
            body_buffer=memoryview(bytearray(65536)),
            on_lost=lambda _: lost.set(),
        )
        accepted.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        await loop.connect_accepted_socket(lambda: LlhttpConnection(surroundings, "127.0.0.1"), accepted)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(20):
            await lost.wait()
        assert port.has_finished

    asyncio.run(scene())
