"""Keeps the wanted number of workers: starts them, replaces those that end, renews those that are worn out."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.excerpt import excerpt_of_traceback
from abeja.runtime.model import Model
from abeja.runtime.pool.exits import Exit
from abeja.runtime.pool.guardian import Guardian
from abeja.runtime.pool.limits import Limits
from abeja.runtime.pool.load_failure import LoadFailure
from abeja.runtime.pool.process import State, WorkerProcess
from abeja.runtime.pool.seat import Seat
from abeja.runtime.pool.startup import not_started
from abeja.runtime.spool import Spool

_log = logging.getLogger("abeja.runtime")

# An idle worker ends at once on end of file; the rest is for a handler's atexit functions.
_STOP_GRACE_S = 5.0
# How often the workers' memory and age are looked at.
_LOOK_S = 1.0
# After a successor could not be started.
_RENEWAL_PAUSE_S = 30.0
# The cause of the end of a worker that loaded what has changed meanwhile.
_OVERTAKEN = "overtaken"


class Pool:
    """The workers of one model.

    Args:
        model: what they run.
        size: how many.
        concurrency: how many requests each of them runs at once.
        spool: for large bodies.
        version: of abeja-runtime.
        startup_timeout_s: how long importing the handler may take.
        limits: what a worker may reach before it is renewed.
        waits_for_change: whether a handler that does not load is waited for until `reload` says that a file has
            changed, also before any worker was ready.

    Attributes:
        on_room: called when a worker has got room for a request.
        on_hopeless: called when no worker is there and it will take a while until there is one.
        on_end: called when a worker has ended, and with whether it was told to.
        last_exit: the last worker that ended without being told to, for readiness; None if none did.
        last_failure: why the last start failed; None if it did not.
        exits: how many workers have ended, by cause.
        has_been_ready: whether a worker was ever ready.
        guardian: knows the processes that are to go with the server.
    """

    def __init__(
        self,
        *,
        model: Model,
        size: int,
        concurrency: int,
        spool: Spool,
        version: str,
        startup_timeout_s: float,
        limits: Limits,
        waits_for_change: bool = False,
    ) -> None:
        self._model = model
        self._concurrency = concurrency
        self._spool = spool
        self._version = version
        self._startup_timeout_s = startup_timeout_s
        self._limits = limits
        self.guardian = Guardian(spool.folder)
        # What a worker starts can be told from what the worker of another server starts.
        self._mark = secrets.token_hex(8)
        # From the oldest to the newest.
        self._workers: list[WorkerProcess] = []
        self._count = 0
        self._first_ready = asyncio.Event()
        self._waits_for_change = waits_for_change
        self._is_stopping = False
        renewing = asyncio.Lock()
        self._seats = [
            Seat(
                start_worker=self._start_worker,
                may_try_again=lambda: self.has_been_ready or waits_for_change,
                on_waiting=self._seat_waits,
                on_not_renewed=self._defer_renewals,
                renewing=renewing,
                waits_for_change=waits_for_change,
            )
            for _ in range(size)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self.has_been_ready = False
        self.on_room: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[], None] = lambda: None
        self.on_end: Callable[[Exit, bool], None] = lambda _exit, _is_expected: None
        self.last_exit: Exit | None = None
        self.last_failure: LoadFailure | None = None
        self.exits: Counter[str] = Counter()

    @property
    def has_ready_worker(self) -> bool:
        """Whether a worker is idle or busy, rather than starting."""
        # Asked for each request, so without a generator.
        return True in [worker.is_ready for worker in self._workers]

    @property
    def is_recovering(self) -> bool:
        """Whether a worker that can serve may be expected soon: it is being started."""
        return self.has_been_ready and any(not seat.is_waiting for seat in self._seats)

    @property
    def trouble(self) -> str:
        """Why no worker is ready, for the log and for readiness; empty if one is."""
        if self.has_ready_worker:
            return ""
        if not self.has_been_ready:
            failure = self.last_failure
            return (
                f"the handler does not load: {failure.summary}" if failure is not None else "the workers are starting"
            )
        ended = f": worker {self.last_exit.worker} {self.last_exit.reason}" if self.last_exit is not None else ""
        return f"no worker is ready{ended}"

    @property
    def python_version(self) -> str:
        """The version of the workers' Python, such as ``3.6.15``; empty before the first is ready."""
        return next((worker.python_version for worker in self._workers if worker.python_version), "")

    def report(self) -> dict[str, Any]:
        """The workers, how the last one ended that was not told to, why the last start failed, and exits by cause."""
        return {
            "workers": [worker.report() for worker in self._workers],
            "last_exit": self.last_exit.report() if self.last_exit is not None else None,
            "last_failure": self.last_failure.report() if self.last_failure is not None else None,
            "exits": dict(self.exits),
        }

    async def start(self) -> None:
        """Start the workers and wait until every one is ready, or one is and the others cannot be started.

        Raises:
            HandlerLoadError: the handler does not load.
            WorkerStartError: a worker ended or stayed silent before it was ready.
        """
        self.guardian.start()
        loop = asyncio.get_running_loop()
        seats = [loop.create_task(seat.keep_filled()) for seat in self._seats]
        self._tasks = [*seats, loop.create_task(self._look_after_workers())]
        settled = loop.create_task(self._all_settled())
        done, _ = await asyncio.wait({*seats, settled}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        for task in done:
            # A seat ends only when it fails before any worker was ready.
            await task

    @property
    def ahead(self) -> int:
        """See `Engine`."""
        most = self._concurrency
        return sum([worker.load - most for worker in self._workers if worker.load > most])

    def free_worker(self) -> WorkerProcess | None:
        """The least busy of the workers that have room for a request, of equals the oldest; None if none has."""
        found = None
        # Loops like this one run for each request.
        for worker in self._workers:
            has_room = worker.is_ready and worker.load < self._concurrency and not worker.is_full
            if has_room and (found is None or worker.load < found.load):
                found = worker
        return found

    def ahead_worker(self) -> WorkerProcess | None:
        """The least busy of the workers that take a request ahead, of equals the oldest; None if none does."""
        found = None
        for worker in self._workers:
            if worker.takes_ahead and (found is None or worker.load < found.load):
                found = worker
        return found

    def rebalance(self) -> None:
        """See `Engine`."""
        # Called after each request: nearly always no worker has more than it runs.
        if max([worker.load for worker in self._workers], default=0) <= self._concurrency or self.free_worker() is None:
            return
        for worker in sorted(self._workers, key=lambda worker: -worker.load):
            if worker.load > self._concurrency and worker.give_back_one():
                return

    def renew(self, reason: str) -> None:
        """Put a new worker in the place of each that is there now, one by one; no request is lost.

        Args:
            reason: for the log, such as ``SIGHUP``.
        """
        for worker in self._workers:
            worker.wear.set(reason)
        self._hurry()

    def reload(self, reason: str, *, is_code: bool) -> None:
        """The same, because files of the model have changed.

        Args:
            reason: for the log.
            is_code: whether code has changed. Then a worker that loads it just now is given up for one that loads what
                is there now. Other files may be written by the very handler while it loads.
        """
        for worker in list(self._workers):
            if worker.state is not State.STARTING:
                worker.wear.set(reason)
            elif is_code and worker.pid:
                worker.kill("loaded code that has changed meanwhile", cause=_OVERTAKEN)
            elif is_code:
                worker.wear.set(reason)
        self._hurry()

    async def stop(self) -> None:
        """End all workers; requests that they still have are lost."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop(_STOP_GRACE_S) for worker in list(self._workers)))
        self.guardian.close()

    def kill(self) -> None:
        """End all workers now, whatever they do."""
        self._is_stopping = True
        for worker in self._workers:
            worker.kill("was killed because the server was told to stop at once", cause="stopped")

    def _new_worker(self) -> WorkerProcess:
        self._count += 1
        try:
            return WorkerProcess(
                model=self._model,
                number=self._count,
                mark=f"{self._mark}-{self._count}",
                spool=self._spool,
                version=self._version,
                startup_timeout_s=self._startup_timeout_s,
                limits=self._limits.with_jitter(),
                concurrency=self._concurrency,
                guardian=self.guardian,
                on_room=self._worker_has_room,
                on_gone=self._worker_gone,
            )
        except OSError as error:  # no descriptor is left for its inbox
            raise not_started(self._model, error) from error

    async def _start_worker(self) -> WorkerProcess:
        worker = self._new_worker()
        self._workers.append(worker)
        try:
            await worker.start()
        except AbejaRuntimeError as error:
            error.excerpt = error.excerpt or excerpt_of_traceback(error.traceback, folder=self._model.folder)
            is_overtaken = worker.exit is not None and worker.exit.cause == _OVERTAKEN
            self._note(worker.exit, is_expected=is_overtaken)
            if not is_overtaken:
                self.last_failure = LoadFailure(error=error, is_serving=self.has_ready_worker)
            raise
        finally:
            if worker.state is State.GONE:
                self._forget(worker)
        self.last_failure = None
        return worker

    def _worker_has_room(self) -> None:
        if not self.has_been_ready:
            self.has_been_ready = True
            self._first_ready.set()
            self.guardian.detach()
        self.on_room()

    def _worker_gone(self, worker: WorkerProcess) -> None:
        self._forget(worker)
        self._note(worker.exit, is_expected=self._is_stopping or worker.is_retired)

    def _forget(self, worker: WorkerProcess) -> None:
        if worker in self._workers:
            self._workers.remove(worker)

    def _note(self, exit_: Exit | None, *, is_expected: bool = False) -> None:
        if exit_ is None:
            return
        self.exits[exit_.cause] += 1
        if not is_expected:
            self.last_exit = exit_
        self.on_end(exit_, is_expected)

    def _seat_waits(self) -> None:
        if not self.has_ready_worker and not self.is_recovering:
            self.on_hopeless()

    def _hurry(self) -> None:
        for seat in self._seats:
            seat.hurry()

    def _defer_renewals(self, begin_s: float) -> None:
        for worker in self._workers:
            worker.wear.defer(_RENEWAL_PAUSE_S, begin_s=begin_s)

    async def _all_settled(self) -> None:
        for seat in self._seats:
            await seat.settled.wait()
        await self._first_ready.wait()

    async def _look_after_workers(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            for worker in self._workers:
                worker.look()
