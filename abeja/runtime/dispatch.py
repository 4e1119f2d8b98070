"""Admission and queue: which request gets which worker, whatever the front and the engine are."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from abeja.runtime.engine import Engine, WorkerFullError, WorkerUnreachableError
from abeja.runtime.errors import NotReadyError, QueueFullError, RequestError
from abeja.runtime.exchange import Exchange, Receiver, Terms
from abeja.runtime.messages import Request
from abeja.runtime.spool import Spool

_DRAINING = "the server is shutting down"


class Dispatcher:
    """Hands requests to workers, in the order in which they came, each to the least busy one.

    Args:
        engine: the workers.
        spool: for streamed answers that must be collected.
        queue_limit: how many requests may wait.
        timeout_s: how long a worker may take for one request; None for as long as it likes.
        headers: sent with every answer of the handler.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        spool: Spool,
        queue_limit: int,
        timeout_s: float | None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._engine = engine
        self._queue_limit = queue_limit
        self._waiting: deque[Exchange] = deque()
        self._terms = Terms(
            spool=spool,
            timeout_s=timeout_s,
            headers=tuple(headers),
            on_forgotten=self._waiting.remove,
            on_returned=self._take_back,
        )
        self._is_draining = False
        engine.on_room = self._serve_waiting
        engine.on_hopeless = self.abandon_waiting

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._waiting) + self._engine.ahead

    @property
    def trouble(self) -> str:
        """Why no request can be served now, for the log and for readiness; empty if one can."""
        return _DRAINING if self._is_draining else self._engine.trouble

    async def start(self) -> None:
        """Start the workers; see `Engine.start`."""
        await self._engine.start()

    def report(self) -> dict[str, Any]:
        """See `Engine.report`."""
        return self._engine.report()

    def refusal(self) -> RequestError | None:
        """The error for a request that comes now; None if it is admitted.

        A request that has been admitted is taken by `submit`, however long its body needed, unless the queue is full
        by then: whoever sends slowly must not keep a place in it.
        """
        if self._is_draining:
            return self._not_ready()
        if self._engine.free_worker() is not None:
            return None
        if not self._has_prospect():
            return self._not_ready()
        return _queue_full() if self._is_full else None

    def submit(
        self,
        request: Request,
        receiver: Receiver,
        *,
        may_stream: bool = True,
        is_admitted: bool = True,
        on_collected: Callable[[bytes], None] | None = None,
    ) -> Exchange:
        """Take a request. The receiver is called back, perhaps before this returns.

        Args:
            request: its files are removed when the exchange ends.
            receiver: gets the answer.
            may_stream: whether it can take an answer whose length is not known.
            is_admitted: whether `refusal` has been asked. If not, it is asked here, unless that is needless.
            on_collected: if it cannot, called with each piece of such an answer as it comes.

        Raises:
            RequestError: the request was not admitted yet, and is not; the receiver hears nothing.
        """
        worker = None if self._waiting else self._engine.free_worker()
        if not is_admitted and (worker is None or self._is_draining):
            refusal = self.refusal()
            if refusal is not None:
                raise refusal
        exchange = Exchange(request, receiver, self._terms, may_stream=may_stream, on_collected=on_collected)
        if worker is not None:
            try:
                exchange.lease(worker)
            except (WorkerUnreachableError, WorkerFullError):
                pass  # it has not begun, so it waits for the next one
            else:
                return exchange
        elif not self._has_prospect():
            exchange.fail(self._not_ready())
            return exchange
        elif self._is_full:
            exchange.fail(_queue_full())
            return exchange
        self._waiting.append(exchange)
        self._serve_waiting()
        return exchange

    def begin_drain(self) -> None:
        """Refuse new requests from here on; those that were admitted are served."""
        self._is_draining = True

    def abandon_waiting(self) -> None:
        """Answer 503 to the requests that wait: no worker will come for them."""
        while self._waiting:
            self._waiting.popleft().fail(self._not_ready())

    @property
    def _is_full(self) -> bool:
        return self.waiting >= self._queue_limit

    def _has_prospect(self) -> bool:
        return self._engine.has_ready_worker or self._engine.is_recovering

    def _not_ready(self) -> NotReadyError:
        # How a worker ended is nothing for a client.
        reason = "no worker is ready" if self._engine.has_been_ready else "the workers are starting"
        return NotReadyError("service unavailable", fields={"reason": _DRAINING if self._is_draining else reason})

    def _take_back(self, exchange: Exchange) -> None:
        """It comes first again, as it did. Others may come back with it, the first of them last."""
        self._waiting.appendleft(exchange)
        asyncio.get_running_loop().call_soon(self._serve_waiting)

    def _serve_waiting(self) -> None:
        """Hand those that wait to workers: to the least busy ones, and what is left ahead of its time."""
        engine = self._engine
        while self._waiting:
            worker = engine.free_worker() or engine.ahead_worker()
            if worker is None:
                return
            first = self._waiting.popleft()
            try:
                first.lease(worker)
            except WorkerUnreachableError:
                self._waiting.appendleft(first)  # it has not begun, so the next one may have it
            except WorkerFullError:
                self._waiting.appendleft(first)
                if engine.free_worker() is None:
                    return
        engine.rebalance()


def _queue_full() -> QueueFullError:
    return QueueFullError("too many requests are waiting")
