"""Keeps the wanted number of workers: starts them, replaces those that end."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.model import Model
from abeja.runtime.pool.process import Exit, State, WorkerProcess

_log = logging.getLogger("abeja.runtime")

# A handler that stopped loading is tried again after 0.5, 1, 2, ... s, at most every 30 s.
_BACKOFF_FIRST_S = 0.5
_BACKOFF_LAST_S = 30.0
# An idle worker ends at once on end of file; the rest is for a handler's atexit functions.
_STOP_GRACE_S = 5.0


class Pool:
    """The workers of one model.

    Args:
        model: what they run.
        size: how many.
        concurrency: how many requests each of them runs at once.
        spool_dir: the folder for large bodies.
        version: of abeja-runtime.
        startup_timeout_s: how long importing the handler may take.

    Attributes:
        on_room: called when a worker has got room for a request.
        on_start_failed: called when a worker could not be started and it will take a while to try again.
        last_exit: how the last worker that ended did so, for readiness; empty if none did.
    """

    def __init__(
        self,
        *,
        model: Model,
        size: int,
        spool_dir: Path,
        version: str,
        startup_timeout_s: float,
        concurrency: int = 1,
    ) -> None:
        self._model = model
        self._size = size
        self._concurrency = concurrency
        self._spool_dir = spool_dir
        self._version = version
        self._startup_timeout_s = startup_timeout_s
        self._workers: set[WorkerProcess] = set()
        self._count = 0
        # Failed starts in a row, and workers in a row that ended before their first request.
        self._failures = 0
        self._falls = 0
        self._is_stopping = False
        self._started: asyncio.Future[None] | None = None
        self._restarts: set[asyncio.Task[None]] = set()
        self.on_room: Callable[[], None] = lambda: None
        self.on_start_failed: Callable[[], None] = lambda: None
        self.last_exit = ""

    @property
    def has_ready_worker(self) -> bool:
        """Whether a worker is idle or busy, rather than starting."""
        return any(worker.state in (State.IDLE, State.BUSY) for worker in self._workers)

    @property
    def is_recovering(self) -> bool:
        """Whether a worker that can serve may be expected soon: the last start did not fail."""
        return self._failures == 0

    async def start(self) -> None:
        """Start the workers and wait until every one is ready.

        Raises:
            HandlerLoadError: the handler does not load.
            WorkerStartError: a worker ended or stayed silent before it was ready.
        """
        self._started = asyncio.get_running_loop().create_future()
        await asyncio.gather(*(self._start_worker() for _ in range(self._size)))
        await self._started

    @property
    def python_version(self) -> str:
        """The version of the workers' Python, such as ``3.6.15``; empty before the first is ready."""
        return next((worker.python_version for worker in self._workers if worker.python_version), "")

    def free_worker(self) -> WorkerProcess | None:
        """The least busy of the workers that have room for a request, of equals the oldest; None if none has."""
        free = [worker for worker in self._workers if worker.has_room]
        return min(free, key=lambda worker: (worker.load, worker.number), default=None)

    async def stop(self) -> None:
        """End all workers; requests that they still have are lost."""
        self._is_stopping = True
        for task in self._restarts:
            task.cancel()
        await asyncio.gather(*(worker.stop(_STOP_GRACE_S) for worker in list(self._workers)))

    def kill(self) -> None:
        """End all workers now, whatever they do."""
        self._is_stopping = True
        for worker in self._workers:
            worker.kill("was killed because the server was told to stop at once")

    async def _start_worker(self) -> None:
        self._count += 1
        worker = WorkerProcess(
            model=self._model,
            number=self._count,
            spool_dir=self._spool_dir,
            version=self._version,
            startup_timeout_s=self._startup_timeout_s,
            concurrency=self._concurrency,
            on_room=self._worker_has_room,
            on_gone=self._worker_gone,
        )
        self._workers.add(worker)
        try:
            await worker.start()
        except BaseException:  # cancelled, or anything else: a worker that did not start is none
            self._workers.discard(worker)
            raise

    def _worker_has_room(self, worker: WorkerProcess) -> None:
        self._failures = 0
        if worker.has_served:
            self._falls = 0
        if self._started is not None and not self._started.done() and self._is_complete():
            self._started.set_result(None)
        self.on_room()

    def _is_complete(self) -> bool:
        ready = [worker for worker in self._workers if worker.state is not State.STARTING]
        return len(ready) == self._size

    def _worker_gone(self, worker: WorkerProcess, exit_: Exit) -> None:
        self._workers.discard(worker)
        if self._is_stopping:
            return
        self.last_exit = f"worker {worker.number} {exit_.reason}"
        if exit_.error is not None:
            self._start_failed(exit_.error)
            return
        _log.error("worker %d %s; it is replaced", worker.number, exit_.reason)
        if not worker.has_served:
            # It was ready and fell over by itself: so may its successor.
            self._falls += 1
        self._restart_after(_delay_s(self._falls - 1) if self._falls > 1 else 0)

    def _start_failed(self, error: AbejaRuntimeError) -> None:
        if self._started is not None and not self._started.done():
            self._is_stopping = True
            self._started.set_exception(error)
            return
        delay_s = _delay_s(self._failures)
        self._failures += 1
        self.last_exit = error.message.partition("\n")[0]
        _log.error("a worker could not be started, next try in %g s:\n%s%s", delay_s, error.traceback, error.report())
        self._restart_after(delay_s)
        self.on_start_failed()

    def _restart_after(self, delay_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._restart(delay_s))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart(self, delay_s: float) -> None:
        if delay_s:
            await asyncio.sleep(delay_s)
        try:
            await self._start_worker()
        except AbejaRuntimeError as error:
            self._start_failed(error)


def _delay_s(failures: int) -> float:
    return min(_BACKOFF_FIRST_S * 2.0 ** min(failures, 10), _BACKOFF_LAST_S)
