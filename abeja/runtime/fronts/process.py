"""One front process, as the main process sees it: started, ready, gone."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from abeja.runtime.admission import Admission
from abeja.runtime.errors import FrontStartError
from abeja.runtime.events import RequestRecord
from abeja.runtime.fronts import front_main, handover
from abeja.runtime.fronts.handover import Handover
from abeja.runtime.fronts.outbox import Outbox
from abeja.runtime.fronts.reception import Reception
from abeja.runtime.fronts.settings import Settings
from abeja.runtime.fronts.wire import Wire
from abeja.runtime.pool import exits, memory
from abeja.runtime.pool.exits import MemoryWitness
from abeja.runtime.pool.guardian import Guardian
from abeja.runtime.spool import Spool

# It has only to import this package.
_START_S = 60.0
_START_HINT = "the log says more; the machine may be out of processes, descriptors or memory."
# One that closed its socket without ending has lost its mind.
_EXIT_AFTER_EOF_S = 1.0


class FrontProcess(asyncio.SubprocessProtocol):
    """One front.

    Args:
        number: for the log.
        settings: what it has to know.
        admission: takes its requests.
        spool: it has a folder of its own in it, which goes when it goes.
        guardian: is told of it.
        outbox: sends what it is sent.
        on_lost: called for each of its connections that has closed.
        on_record: called with the record of each request that has come to its end.

    Attributes:
        number: see above.
        connections: how many it has.
        is_ready: whether it takes connections.
        reason: how it ended, for people; empty until it has.
        cause: the same for counting.
        left_over: connections, with their clients' addresses, that it had not read when it ended.
    """

    def __init__(
        self,
        *,
        number: int,
        settings: Settings,
        admission: Admission,
        spool: Spool,
        guardian: Guardian,
        outbox: Outbox,
        on_lost: Callable[[], None],
        on_record: Callable[[RequestRecord], None],
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._folder = spool.folder / f"front-{number}"
        self._guardian = guardian
        self._on_lost = on_lost
        self._on_record = on_record
        self._outbox = outbox
        self._wire = Wire(on_frame=self._frame, on_closed=self._wire_closed, on_unsent=outbox.has_unsent)
        self._reception = Reception(admission, wire=self._wire)
        self._handover: Handover | None = None
        self._process: asyncio.SubprocessTransport | None = None
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._gone = asyncio.Event()
        self._witness = MemoryWitness()
        self._is_wire_closed = False
        self._has_exited = False
        self._started_s = time.monotonic()
        self.number = number
        self.connections = 0
        self.is_ready = False
        self.reason = self.cause = ""
        self.left_over: list[tuple[socket.socket, str]] = []

    @property
    def pid(self) -> int:
        """Of its process, which leads a group of the same number; 0 if it could not be started."""
        return self._process.get_pid() if self._process is not None else 0

    @property
    def running(self) -> int:
        """How many requests it waits for."""
        return self._reception.running

    @property
    def has_served(self) -> bool:
        """Whether it has ever had a request."""
        return self._reception.count > 0

    def report(self) -> dict[str, Any]:
        """What it is and does, for readiness."""
        return {
            "front": self.number,
            "pid": self.pid,
            "state": "ready" if self.is_ready else "gone" if self.reason else "starting",
            "connections": self.connections,
            "requests": self._reception.count,
            "resident_bytes": memory.resident_bytes(self.pid),
            "age_s": round(time.monotonic() - self._started_s, 1),
        }

    async def start(self) -> None:
        """Start the process and wait until it takes connections.

        Raises:
            FrontStartError: it cannot be executed, or it ended or stayed silent before it was ready.
        """
        try:
            await self._spawn()
        except BaseException as error:  # cancelled by a stop of the server, too
            self.kill()
            self._ended(f"could not be started: {error}", "not-started")
            if not isinstance(error, OSError | ValueError):
                raise
            raise FrontStartError(f"front {self.number} {self.reason}.", hint=_START_HINT) from error
        self._guardian.watch(self._mark, self.pid)
        self._outbox.add(self._wire)
        self._wire.send({"kind": "init", "folder": str(self._folder), **self._settings.fields()})
        ready, gone = asyncio.ensure_future(self._ready.wait()), asyncio.ensure_future(self._gone.wait())
        await asyncio.wait((ready, gone), timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        gone.cancel()
        if not self.is_ready:
            self.kill()
            await self._gone.wait()
            raise FrontStartError(f"front {self.number} {self.reason} before it was ready.", hint=_START_HINT)

    def give(self, connection: socket.socket, remote_ip: str) -> None:
        """Hand a connection over; only to one that is ready."""
        if self._handover is not None:
            self.connections += 1
            self._handover.give(connection, remote_ip)

    async def wait_until_idle(self) -> None:
        """Wait until every connection that it has been given has its answers, or it is gone."""
        self._idle.clear()
        self._wire.send({"kind": "drain"})
        idle, gone = asyncio.ensure_future(self._idle.wait()), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((idle, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()
            gone.cancel()

    async def wait_until_gone(self) -> None:
        """Wait until it has ended."""
        await self._gone.wait()

    async def stop(self, grace_s: float) -> None:
        """Tell it to end, kill it after `grace_s`, and wait until it is gone."""
        if self.is_ready:
            self._wire.send({"kind": "close"})
        else:
            self.kill()
        try:
            await asyncio.wait_for(self._gone.wait(), grace_s)
        except TimeoutError:
            self.kill()
            await self._gone.wait()

    def kill(self) -> None:
        """End it now."""
        if self._process is not None and not self._gone.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._process = cast("asyncio.SubprocessTransport", transport)

    def process_exited(self) -> None:
        """Called by the event loop."""
        self._has_exited = True
        if self._is_wire_closed:
            self._finish()

    @property
    def _mark(self) -> str:
        return f"front-{self.number}"

    async def _spawn(self) -> None:
        self._spool.create_folder(self._folder.name)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        giving, taking = handover.pair()
        self._handover = Handover(giving, taking)
        with theirs:
            await asyncio.get_running_loop().create_unix_connection(lambda: self._wire, sock=ours)
            await self._execute(theirs.fileno(), taking.fileno())

    async def _execute(self, channel: int, handed_over: int) -> None:
        arguments = {"--channel": channel, "--handover": handed_over, "--parent": os.getpid()}
        await asyncio.get_running_loop().subprocess_exec(
            lambda: self,
            sys.executable,
            "-P",
            front_main.__file__,
            *(str(part) for pair in arguments.items() for part in pair),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=None,
            # It finds this package where this process has found it.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            pass_fds=(channel, handed_over),
            # Out of the reach of Ctrl-C.
            start_new_session=True,
        )

    def _frame(self, header: dict[str, Any], payload: bytes) -> None:
        kind = header["kind"]
        if kind == "ready":
            self._witness.look(self.pid)
            self.is_ready = True
            self._ready.set()
        elif kind == "taken" and self._handover is not None:
            self._handover.taken(header["count"])
        elif kind == "lost":
            self._lose(header["count"])
        elif kind == "records":
            for fields in header["records"]:
                self._on_record(RequestRecord._make(fields))
        elif kind == "idle":
            self._idle.set()
        else:
            self._reception.take(header, payload)
            self._outbox.send_soon()

    def _lose(self, count: int) -> None:
        self.connections -= count
        for _ in range(count):
            self._on_lost()

    def _wire_closed(self) -> None:
        """All that it had sent has been read."""
        self.is_ready = False
        self._is_wire_closed = True
        if self._has_exited:
            self._finish()
        else:
            asyncio.get_running_loop().call_later(_EXIT_AFTER_EOF_S, self.kill)

    def _finish(self) -> None:
        if self._process is not None and not self._gone.is_set():
            code = self._process.get_returncode()
            self._guardian.forget(self._mark, self.pid)
            self._process.close()
            self._ended(*exits.of_code(code, self._witness))

    def _ended(self, reason: str, cause: str) -> None:
        """Its clients have gone with it."""
        self.reason, self.cause = reason, cause
        self.is_ready = False
        self._gone.set()
        self._outbox.remove(self._wire)
        self._wire.close()
        if self._handover is not None:
            self.left_over = self._handover.close()
            self.connections -= len(self.left_over)
        self._lose(self.connections)
        self._reception.close()
        shutil.rmtree(self._folder, ignore_errors=True)
