"""The fronts of a server: keeps the wanted number, and deals out the connections."""

import asyncio
import logging
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from abeja.runtime import backoff
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.errors import FrontStartError
from abeja.runtime.fronts.outbox import Outbox
from abeja.runtime.fronts.process import FrontProcess
from abeja.runtime.fronts.settings import Settings
from abeja.runtime.journal import Journal
from abeja.runtime.pool.pool import Pool
from abeja.runtime.server.metrics import Metrics
from abeja.runtime.spool import Spool

_log = logging.getLogger("abeja.runtime")

# For a front that has given every answer and is told to end.
_STOP_GRACE_S = 3.0


class Fronts:
    """Some front processes, in the place of a `ModelPort` and of what serves its connections.

    Args:
        size: how many.
        settings: what they have to know.
        dispatcher: takes their requests.
        pool: its workers.
        spool: for large bodies.
        journal: gets the records of their requests.
    """

    def __init__(
        self, *, size: int, settings: Settings, dispatcher: Dispatcher, pool: Pool, spool: Spool, journal: Journal
    ) -> None:
        self._size = size
        self._settings = settings
        self._dispatcher = dispatcher
        self._guardian = pool.guardian
        self._spool = spool
        self._journal = journal
        self._outbox = Outbox(dispatcher)
        self._fronts: list[FrontProcess] = []
        self._count = 0
        self._seats: list[asyncio.Task[None]] = []
        # Accepted when no front was there.
        self._unassigned: deque[tuple[socket.socket, str]] = deque()
        self._on_connection_lost: Callable[[], None] = lambda: None
        self._is_stopping = False
        self._exits: Counter[str] = Counter()
        self._last_exit: dict[str, Any] | None = None
        serve_waiting = pool.on_room

        def worker_has_room() -> None:
            serve_waiting()
            self._outbox.send_soon()

        pool.on_room = worker_has_room

    @property
    def trouble(self) -> str:
        """Why no connection is served, for readiness; empty if one is."""
        if any(front.is_ready for front in self._fronts):
            return ""
        if self._last_exit is None:
            return "the fronts are starting"
        return f"no front is ready: front {self._last_exit['front']} {self._last_exit['reason']}"

    def report(self) -> dict[str, Any]:
        """The fronts one by one, how the last one ended that was not told to, and how many ended, by cause."""
        return {
            "fronts": [front.report() for front in self._fronts],
            "last_front_exit": self._last_exit,
            "front_exits": dict(self._exits),
        }

    @property
    def count(self) -> int:
        """How many requests have no answer yet."""
        return sum(front.running for front in self._fronts)

    def offer(self, metrics: Metrics) -> None:
        """Offer metrics of them."""
        # Imported for those who have fronts.
        from abeja.runtime.fronts.measures import measures  # noqa: PLC0415

        metrics.offer(lambda: measures(self.report()))

    async def start(self) -> None:
        """Start them and wait until every one is ready.

        Raises:
            FrontStartError: one cannot be started.
        """
        fronts = [self._new_front() for _ in range(self._size)]
        await asyncio.gather(*(self._start(front) for front in fronts))
        loop = asyncio.get_running_loop()
        self._seats = [loop.create_task(self._keep_filled(front)) for front in fronts]

    def serving(self, on_lost: Callable[[], None]) -> "Fronts":
        """Itself, as what serves a `Listener`'s connections; `on_lost` is called for each that has closed."""
        self._on_connection_lost = on_lost
        return self

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Hand a connection to the front that has the fewest."""
        ready = [front for front in self._fronts if front.is_ready]
        if ready:
            min(ready, key=lambda front: front.connections).give(sock, remote_ip)
        else:
            self._unassigned.append((sock, remote_ip))

    def publish(self) -> None:
        """Tell the fronts now whether requests are admitted."""
        self._outbox.send()

    async def wait_until_idle(self) -> None:
        """Wait until every answer has left. From here on, no front is replaced."""
        self._is_stopping = True
        self.publish()
        await asyncio.gather(*(front.wait_until_idle() for front in self._fronts if front.is_ready))

    async def close_all(self) -> None:
        """Close every connection, and end the fronts."""
        self._is_stopping = True
        for seat in self._seats:
            seat.cancel()
        await asyncio.gather(*self._seats, return_exceptions=True)
        await asyncio.gather(*(front.stop(_STOP_GRACE_S) for front in self._fronts))
        self._outbox.close()
        for sock, _ in self._unassigned:
            sock.close()

    def _new_front(self) -> FrontProcess:
        self._count += 1
        front = FrontProcess(
            number=self._count,
            settings=self._settings,
            admission=self._dispatcher,
            spool=self._spool,
            guardian=self._guardian,
            outbox=self._outbox,
            on_lost=self._on_connection_lost,
            on_record=self._journal.add,
        )
        self._fronts.append(front)
        return front

    async def _start(self, front: FrontProcess) -> None:
        await front.start()
        while self._unassigned and front.is_ready:
            front.give(*self._unassigned.popleft())

    async def _keep_filled(self, front: FrontProcess) -> None:
        """Replace a front when it has ended, and that one, and so on."""
        falls = 0
        while True:
            await front.wait_until_gone()
            self._forget(front)
            if self._is_stopping:
                return
            _log.error("front %d %s; it is replaced", front.number, front.reason)
            falls = 0 if front.has_served else falls + 1
            if falls > 1:
                # Before its first request, twice in a row: so may its successors.
                await asyncio.sleep(backoff.delay_s(falls - 2))
            front = self._new_front()
            try:
                await self._start(front)
            except FrontStartError as error:
                _log.error("%s", error.report())

    def _forget(self, front: FrontProcess) -> None:
        self._fronts.remove(front)
        self._exits[front.cause] += 1
        if not self._is_stopping:
            ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._last_exit = {"front": front.number, "reason": front.reason, "cause": front.cause, "time": ended}
        for sock, remote_ip in front.left_over:
            self.accept(sock, remote_ip)
