"""Admission, queue and deadlines: from a `Request` to a `Response`, whatever the front and the engine are."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import attrs

from abeja.runtime import answers
from abeja.runtime.errors import (
    DeadlineExceededError,
    HandlerFailedError,
    NotReadyError,
    QueueFullError,
    RequestError,
    RequestMalformedError,
    WorkerDiedError,
)
from abeja.runtime.messages import Body, Request, Response, SpoolFile
from abeja.runtime.pool.pool import Pool
from abeja.runtime.pool.process import Exit, State, WorkerProcess
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from abeja.runtime.worker.frames import FrameError

_log = logging.getLogger("abeja.runtime")

# A streamed answer is held back this long: one that ends meanwhile goes out whole, with its length,
# and one that fails meanwhile is a clean 500.
_HOLD_S = 0.025
# For Retry-After: workers restart within a second or so when their handler loads.
_RETRY_AFTER = ("Retry-After", "1")


class Receiver(Protocol):
    """What a front gives the dispatcher to hand the answer to."""

    def respond(self, response: Response) -> None:
        """Called exactly once, unless the exchange was cancelled. The receiver owns the body."""

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """The next piece of a streamed answer; a future that is not done lets the handler wait for it."""

    def finish(self, *, is_complete: bool) -> None:
        """The end of a streamed answer; an incomplete one must be visible as such to the client."""


class Exchange:
    """One request on its way. Made by `Dispatcher.submit`."""

    def __init__(self, dispatcher: "Dispatcher", request: Request, receiver: Receiver, *, may_stream: bool) -> None:
        self._dispatcher = dispatcher
        self._receiver = receiver
        self._may_stream = may_stream
        self._worker: WorkerProcess | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._stream: Response | None = None
        self._held: BodySink | None = None
        self._has_responded = False
        self._is_cancelled = False
        self._is_closed = False
        self._has_timed_out = False
        self.request = request

    def cancel(self) -> None:
        """The client has left: drop the request if it waits, the answer if the handler runs."""
        if self._is_cancelled or self._is_closed:
            return
        self._is_cancelled = True
        if self._worker is None:
            self._dispatcher.forget(self)
            self.close()
        elif self._stream is not None:
            self._worker.cancel_stream()

    def lease(self, worker: WorkerProcess) -> None:
        """Hand the request to an idle worker."""
        try:
            worker.lease(self)
        except FrameError as error:
            self.fail(RequestMalformedError("the request's headers are too large", detail=str(error)))
            return
        self._worker = worker
        timeout_s = self._dispatcher.timeout_s
        if timeout_s is not None:
            self._deadline = asyncio.get_running_loop().call_later(timeout_s, self._time_out)

    def fail(self, error: RequestError) -> None:
        """Answer with an error of our own, or cut a streamed answer that has begun."""
        if error.detail:
            self._log(logging.ERROR, "%s: %s", error.slug, error.detail)
        if not self._has_responded:
            self._respond(answers.error_response(error, request_id=self.request.request_id))
        elif not self._is_cancelled:
            self._receiver.finish(is_complete=False)
        self.close()

    def on_response(self, header: dict[str, Any], payload: bytes) -> None:
        """See `Call`."""
        if header["body"] == "stream":
            self._begin_stream(header)
            return
        body: Body = payload
        try:
            if header["body"] == "file":
                body = self._dispatcher.spool.adopt(Path(header["path"]), header["size"])
            self._respond(self._response(header, body))
        except RequestError as error:
            if isinstance(body, SpoolFile):
                body.remove()
            self.fail(error)
        self.close()

    def on_chunk(self, payload: bytes) -> None:
        """See `Call`."""
        if self._is_cancelled:
            return
        if self._held is None:
            self._pass_on(payload)
            return
        try:
            self._held.write(payload)
            if self._may_stream and self._held.is_in_file:
                self._release()
        except RequestError as error:
            self._give_up_stream(error)

    def on_end(self) -> None:
        """See `Call`."""
        if self._held is not None and self._stream is not None:
            try:
                body = self._held.close()
                self._held = None
                self._respond(attrs.evolve(self._stream, body=body))
            except RequestError as error:
                self.fail(error)
        elif not self._is_cancelled:
            self._receiver.finish(is_complete=True)
        self.close()

    def on_error(self, error: dict[str, str]) -> None:
        """See `Call`."""
        self._log(
            logging.ERROR,
            "unexpected error occurred in user model.\n%s",
            error["traceback"].rstrip() or error["message"],
        )
        self.fail(HandlerFailedError("unexpected error occurred"))

    def on_lost(self, exit_: Exit) -> None:
        """See `Call`."""
        if self._has_timed_out:
            self.fail(DeadlineExceededError(f"the handler did not answer within {self._dispatcher.timeout_s:g} s"))
        else:
            self.fail(WorkerDiedError("the worker died while it had the request", detail=f"the worker {exit_.reason}"))

    def close(self) -> None:
        """Give back what it holds; a second call does nothing."""
        self._is_closed = True
        for timer in (self._deadline, self._hold):
            if timer is not None:
                timer.cancel()
        if self._held is not None:
            self._held.discard()
            self._held = None
        self.request.remove_files()

    def _response(self, header: dict[str, Any], body: Body | None) -> Response:
        own = self._dispatcher.own_headers(self.request.request_id)
        return answers.handler_response(header, body, own_headers=own)

    def _respond(self, response: Response) -> None:
        self._has_responded = True
        if self._is_cancelled:
            response.remove_files()
        else:
            self._receiver.respond(response)

    def _begin_stream(self, header: dict[str, Any]) -> None:
        try:
            self._stream = self._response(header, None)
        except RequestError as error:
            self._give_up_stream(error)
            return
        if self._is_cancelled:
            self._cancel_stream()
            return
        self._held = BodySink(self._dispatcher.spool, MemoryBudget())
        if self._may_stream:
            self._hold = asyncio.get_running_loop().call_later(_HOLD_S, self._release)

    def _give_up_stream(self, error: RequestError) -> None:
        self.fail(error)
        self._is_cancelled = True
        self._cancel_stream()

    def _release(self) -> None:
        """Stop holding back: from here on the answer goes out piece by piece."""
        held, self._held = self._held, None
        if held is None or self._stream is None:
            return
        self._respond(self._stream)
        body = held.close()
        if isinstance(body, SpoolFile):
            self._pass_on(body.path.read_bytes())
            body.remove()
        elif body:
            self._pass_on(body)

    def _pass_on(self, data: bytes) -> None:
        written = self._receiver.write(data)
        worker = self._worker
        if written is not None and not written.done() and worker is not None:
            worker.pause()
            written.add_done_callback(lambda _: worker.resume())

    def _cancel_stream(self) -> None:
        if self._worker is not None:
            self._worker.cancel_stream()

    def _time_out(self) -> None:
        self._has_timed_out = True
        if self._worker is not None:
            self._worker.kill(f"took longer than {self._dispatcher.timeout_s:g} s (--timeout)")

    def _log(self, level: int, message: str, *args: object) -> None:
        _log.log(level, message, *args, extra={"request_id": self.request.request_id})


class Dispatcher:
    """Hands requests to workers, in the order in which they came.

    Args:
        pool: the workers.
        spool: for streamed answers that must be collected.
        queue_limit: how many requests may wait.
        timeout_s: how long a worker may take for one request; None for as long as it likes.
        headers: sent with every answer of the handler.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        spool: Spool,
        queue_limit: int,
        timeout_s: float | None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._pool = pool
        self._queue_limit = queue_limit
        self._headers = tuple(headers)
        self._waiting: deque[Exchange] = deque()
        self._has_started = False
        self._is_draining = False
        self.spool = spool
        self.timeout_s = timeout_s
        pool.on_idle = self._worker_idle
        pool.on_start_failed = self._start_failed

    @property
    def trouble(self) -> str:
        """Why no request can be served now; empty if one can."""
        if self._is_draining:
            return "the server is shutting down"
        if not self._has_started:
            return "the workers are starting"
        if not self._pool.has_ready_worker:
            return f"no worker is ready: {self._pool.last_exit}"
        return ""

    async def start(self) -> None:
        """Start the workers; see `Pool.start`."""
        await self._pool.start()
        self._has_started = True

    def submit(self, request: Request, receiver: Receiver, *, may_stream: bool = True) -> Exchange:
        """Take a request. The receiver is called back, perhaps before this returns.

        Args:
            request: its files are removed when the exchange ends.
            receiver: gets the answer.
            may_stream: whether it can take an answer whose length is not known.
        """
        exchange = Exchange(self, request, receiver, may_stream=may_stream)
        refusal = self.refusal()
        if refusal is not None:
            exchange.fail(refusal)
            return exchange
        worker = self._pool.idle_worker() if not self._waiting else None
        if worker is not None:
            exchange.lease(worker)
        else:
            self._waiting.append(exchange)
        return exchange

    def own_headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """The server's headers for an answer of the handler."""
        return (*self._headers, (answers.REQUEST_ID_HEADER, request_id))

    def forget(self, exchange: Exchange) -> None:
        """Take a waiting exchange out of the queue."""
        if exchange in self._waiting:
            self._waiting.remove(exchange)

    def abandon_waiting(self) -> None:
        """Answer 503 to the requests that wait: no worker will come for them."""
        while self._waiting:
            self._waiting.popleft().fail(NotReadyError("service unavailable", headers=[_RETRY_AFTER]))

    def begin_drain(self) -> None:
        """Refuse new requests from here on; those that were taken are served."""
        self._is_draining = True

    def refusal(self) -> RequestError | None:
        """The error that a request would be answered with if it came now; None if it would be taken."""
        can_wait = self._has_started and self._pool.is_recovering
        if self._is_draining or not (self._pool.has_ready_worker or can_wait):
            return NotReadyError("service unavailable", headers=[_RETRY_AFTER], fields={"reason": self.trouble})
        if len(self._waiting) >= self._queue_limit and self._pool.idle_worker() is None:
            return QueueFullError("too many requests are waiting", headers=[_RETRY_AFTER])
        return None

    def _worker_idle(self, worker: WorkerProcess) -> None:
        # A request that turns out not to fit into a frame leaves the worker idle for the next one.
        while self._waiting and worker.state is State.IDLE:
            self._waiting.popleft().lease(worker)

    def _start_failed(self) -> None:
        if not self._pool.has_ready_worker:
            self.abandon_waiting()
