"""One of a pool's places for a worker, kept filled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.pool.process import State, WorkerProcess

_log = logging.getLogger("abeja.runtime")

# A handler that stopped loading is tried again after 0.5, 1, 2, ... s, at most every 30 s.
_BACKOFF_FIRST_S = 0.5
_BACKOFF_LAST_S = 30.0


class Seat:
    """Starts a worker, another one when it ends, and a successor before it is renewed.

    Args:
        start_worker: starts one and waits until it is ready.
        may_try_again: whether a start that failed is tried again, rather than raised.
        on_waiting: called when it will take a while until the next try.
        on_not_renewed: called when a successor could not be started; the worker serves on.
        renewing: held while a successor starts, so that there is one worker too many at most.

    Attributes:
        is_waiting: whether there is no worker, and none will be started for a while.
        settled: set when the first start has succeeded, or failed for the time being.
    """

    def __init__(
        self,
        *,
        start_worker: Callable[[], Awaitable[WorkerProcess]],
        may_try_again: Callable[[], bool],
        on_waiting: Callable[[], None],
        on_not_renewed: Callable[[], None],
        renewing: asyncio.Lock,
    ) -> None:
        self._start_worker = start_worker
        self._may_try_again = may_try_again
        self._on_waiting = on_waiting
        self._on_not_renewed = on_not_renewed
        self._renewing = renewing
        # Workers in a row that were ready and ended before their first request: so may their successors.
        self._falls = 0
        self.is_waiting = False
        self.settled = asyncio.Event()

    async def keep_filled(self) -> None:
        """Run until it is cancelled.

        Raises:
            HandlerLoadError: the handler does not load.
            WorkerStartError: a worker ended or stayed silent before it was ready.
        """
        worker = await self._filled(delay_s=0)
        while True:
            await worker.wait_until_due()
            worker = await (self._replaced(worker) if worker.state is State.GONE else self._renewed(worker))

    async def _filled(self, *, delay_s: float) -> WorkerProcess:
        failures = 0
        while True:
            if delay_s:
                await self._wait(delay_s)
            try:
                worker = await self._start_worker()
            except AbejaRuntimeError as error:
                if not self._may_try_again():
                    raise
                delay_s = _delay_s(failures)
                failures += 1
                _log.error(
                    "a worker could not be started, next try in %g s:\n%s%s", delay_s, error.traceback, error.report()
                )
                self.settled.set()
            else:
                self.settled.set()
                return worker

    async def _replaced(self, worker: WorkerProcess) -> WorkerProcess:
        if worker.exit is not None:
            _log.error("worker %d %s; it is replaced", worker.number, worker.exit.reason)
        self._falls = 0 if worker.has_served else self._falls + 1
        return await self._filled(delay_s=_delay_s(self._falls - 1) if self._falls > 1 else 0)

    async def _renewed(self, worker: WorkerProcess) -> WorkerProcess:
        async with self._renewing:
            if worker.state is State.GONE or not worker.wear.reason:
                return worker
            try:
                successor = await self._start_worker()
            except AbejaRuntimeError as error:
                _log.error(
                    "worker %d is not renewed, it serves on:\n%s%s", worker.number, error.traceback, error.report()
                )
                self._on_not_renewed()
                return worker
            worker.retire()
            return successor

    async def _wait(self, delay_s: float) -> None:
        self.is_waiting = True
        self._on_waiting()
        try:
            await asyncio.sleep(delay_s)
        finally:
            self.is_waiting = False


def _delay_s(failures: int) -> float:
    return min(_BACKOFF_FIRST_S * 2.0 ** min(failures, 10), _BACKOFF_LAST_S)
