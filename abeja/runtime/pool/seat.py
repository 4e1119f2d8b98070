"""One of a pool's places for a worker, kept filled."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from abeja.runtime import backoff
from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.pool.load_failure import LoadFailure
from abeja.runtime.pool.process import State, WorkerProcess

_log = logging.getLogger("abeja.runtime")


class Seat:
    """Starts a worker, another one when it ends, and a successor before it is renewed.

    Args:
        start_worker: starts one and waits until it is ready.
        may_try_again: whether a start that failed is tried again, rather than raised.
        on_waiting: called when it will take a while until the next try.
        on_not_renewed: called when a successor could not be started, with the `time.monotonic` of the beginning of
            that; the worker serves on.
        renewing: held while a successor starts, so that there is one worker too many at most.
        waits_for_change: whether a start that failed is tried again when `hurry` is called, and not after a time:
            somebody is mending what it failed of.

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
        on_not_renewed: Callable[[float], None],
        renewing: asyncio.Lock,
        waits_for_change: bool = False,
    ) -> None:
        self._start_worker = start_worker
        self._may_try_again = may_try_again
        self._on_waiting = on_waiting
        self._on_not_renewed = on_not_renewed
        self._renewing = renewing
        self._waits_for_change = waits_for_change
        # Workers in a row that were ready and ended before their first request: so may their successors.
        self._falls = 0
        self._hurry = asyncio.Event()
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

    def hurry(self) -> None:
        """Try at once: what the last start failed of may have been mended."""
        self._hurry.set()

    async def _filled(self, *, delay_s: float | None) -> WorkerProcess:
        failures = 0
        while True:
            if delay_s != 0:
                await self._wait(delay_s)
            self._hurry.clear()
            begin_s = time.monotonic()
            try:
                worker = await self._start_worker()
            except AbejaRuntimeError as error:
                if not self._may_try_again():
                    raise
                delay_s = self._after_failure(error, failures)
                failures += 1
                self.settled.set()
            else:
                if failures and self._waits_for_change:
                    _log.info(
                        "the handler loads again: worker %d, in %.2f s", worker.number, time.monotonic() - begin_s
                    )
                self.settled.set()
                return worker

    def _after_failure(self, error: AbejaRuntimeError, failures: int) -> float | None:
        """Say that a start failed; returns in how many seconds the next one comes, None if on the next change."""
        if not self._waits_for_change:
            delay_s = backoff.delay_s(failures)
            _log.error("a worker could not be started, next try in %g s:\n%s", delay_s, _shown(error))
            return delay_s
        if self._hurry.is_set():  # by a change that is newer than the start that failed
            return 0
        _log.error("a worker could not be started:\n%s\nThe next save is tried at once (--reload).", _shown(error))
        return None

    async def _replaced(self, worker: WorkerProcess) -> WorkerProcess:
        if worker.exit is not None:
            _log.error("worker %d %s; it is replaced", worker.number, worker.exit.reason)
        self._falls = 0 if worker.has_served else self._falls + 1
        return await self._filled(delay_s=backoff.delay_s(self._falls - 1) if self._falls > 1 else 0)

    async def _renewed(self, worker: WorkerProcess) -> WorkerProcess:
        async with self._renewing:
            if worker.state is State.GONE or not worker.wear.reason:
                return worker
            begin_s = time.monotonic()
            try:
                successor = await self._start_worker()
            except AbejaRuntimeError as error:
                if not (self._waits_for_change and worker.wear.was_set_since(begin_s)):
                    self._say_not_renewed(worker, error)
                self._on_not_renewed(begin_s)
                return worker
            _log.info(
                "worker %d is renewed: %s; worker %d loaded in %.2f s",
                *(worker.number, worker.wear.reason, successor.number, time.monotonic() - begin_s),
            )
            worker.retire()
            return successor

    def _say_not_renewed(self, worker: WorkerProcess, error: AbejaRuntimeError) -> None:
        next_try = ""
        if self._waits_for_change:
            next_try = (
                f"\nWorker {worker.number} still serves what it loaded; the next save is tried at once (--reload)."
            )
        _log.error("worker %d is not renewed, it serves on:\n%s%s", worker.number, _shown(error), next_try)

    async def _wait(self, delay_s: float | None) -> None:
        self.is_waiting = True
        self._hurry.clear()
        self._on_waiting()
        try:
            async with asyncio.timeout(delay_s):
                await self._hurry.wait()
        except TimeoutError:
            return
        finally:
            self.is_waiting = False


def _shown(error: AbejaRuntimeError) -> str:
    return LoadFailure(error=error, is_serving=False).text
