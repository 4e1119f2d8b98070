"""A front: speaks HTTP on the connections that the main process hands to it, until that says otherwise or has gone."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from abeja.runtime import logs
from abeja.runtime.events import RequestRecord
from abeja.runtime.fronts.handover import Takeover
from abeja.runtime.fronts.relay import Relay
from abeja.runtime.fronts.settings import Settings
from abeja.runtime.fronts.spool import FrontSpool
from abeja.runtime.fronts.wire import Wire
from abeja.runtime.journal import REQUESTS_ANSWERED, Journal
from abeja.runtime.observer import Observer
from abeja.runtime.plugin_source import Source
from abeja.runtime.server.event_loop import new_event_loop
from abeja.runtime.server.llhttp_front import LlhttpFront
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.version import VERSION

# So that a frame is below its limits, however long paths are.
_RECORDS_AT_ONCE = 16


class _Speaker(Protocol):
    """What speaks HTTP: see `abeja.runtime.server.listener.Front`, whose module needs more than a front does."""

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Take over a connected socket."""

    async def close_all(self) -> None:
        """Close every connection."""


class Front:
    """One front process.

    Args:
        channel: socket to the main process.
        handed_over: socket on which connections come.
    """

    def __init__(self, channel: socket.socket, handed_over: socket.socket) -> None:
        self._channel = channel
        self._handed_over = handed_over
        self._wire = Wire(on_frame=self._frame, on_closed=self._end)
        self._relay = Relay(self._wire)
        self._over = asyncio.Event()
        self._journal = Journal()
        self._lost_count = 0
        self._port: ModelPort | None = None
        self._speaker: _Speaker | None = None
        self._takeover: Takeover | None = None
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until the main process says otherwise or has gone."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self._wire, sock=self._channel)
        await self._over.wait()
        if self._takeover is not None:
            self._takeover.close()
        if self._speaker is not None:
            await self._speaker.close_all()
        self._journal.flush()
        self._wire.close()

    def _frame(self, header: dict[str, Any], payload: bytes) -> None:
        kind = header["kind"]
        if kind == "init":
            self._open(header)
        elif kind == "drain":
            self._answering = asyncio.get_running_loop().create_task(self._say_when_idle())
        elif kind == "close":
            self._end()
        else:
            self._relay.take(header, payload)

    def _open(self, header: dict[str, Any]) -> None:
        settings = Settings.from_fields(header)
        logs.configure(settings.log_level, is_json=settings.is_json)
        logs.current().describe(folder_name=settings.folder_name, environ=settings.environ)
        if settings.is_watched:
            self._journal.watch([_records_to(self._tell_records)])
        self._port = ModelPort(
            dispatcher=self._relay,
            spool=FrontSpool(Path(header["folder"])),
            policy=settings.policy,
            journal=self._journal,
        )
        self._speaker = _speaker(settings, self._port, on_lost=self._lost)
        self._takeover = Takeover(
            self._handed_over, on_taken=self._taken, on_connection=self._speaker.accept, on_lost=self._lost
        )
        self._wire.send({"kind": "ready"})

    def _taken(self, count: int) -> None:
        # Now, before the first byte of them is read.
        self._wire.send({"kind": "taken", "count": count})
        self._wire.flush()

    def _lost(self) -> None:
        self._lost_count += 1
        if self._lost_count == 1:
            asyncio.get_running_loop().call_soon(self._tell_lost)

    def _tell_lost(self) -> None:
        count, self._lost_count = self._lost_count, 0
        self._wire.send({"kind": "lost", "count": count})

    async def _say_when_idle(self) -> None:
        if self._takeover is not None and self._port is not None:
            while self._takeover.take_some():
                continue
            await self._port.activity.wait_until_idle()
        self._journal.flush()
        self._wire.send({"kind": "idle"})

    def _tell_records(self, records: Sequence[RequestRecord]) -> None:
        for start in range(0, len(records), _RECORDS_AT_ONCE):
            self._wire.send({"kind": "records", "records": records[start : start + _RECORDS_AT_ONCE]})

    def _end(self) -> None:
        self._over.set()


def _records_to(function: Callable[[Sequence[RequestRecord]], None]) -> Observer:
    source = Source("front", "abeja-runtime", VERSION, lambda: None)
    return Observer(source=source, hook=REQUESTS_ANSWERED, function=function, arguments=("records",))


def _speaker(settings: Settings, port: ModelPort, *, on_lost: Any) -> _Speaker:
    if settings.http == "llhttp":
        return LlhttpFront(port, idle_timeout_s=settings.idle_timeout_s, on_lost=on_lost)
    # Only those who ask for it wait for this import.
    from abeja.runtime.server.tornado_http import tornado_front  # noqa: PLC0415

    return tornado_front(port, idle_timeout_s=settings.idle_timeout_s, on_lost=on_lost)


def run(channel: socket.socket, handed_over: socket.socket) -> None:
    """Be a front until the main process says otherwise or has gone."""

    async def serve() -> None:
        await Front(channel, handed_over).run()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve())
