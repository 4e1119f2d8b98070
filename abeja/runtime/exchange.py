"""One request on its way through a worker, and its answer on the way back."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

import attrs
from attrs import field, frozen

from abeja.runtime import answers
from abeja.runtime.deadlines import Deadlines
from abeja.runtime.engine import (
    AnswerHead,
    HandlerFailure,
    RequestTooLargeError,
    Worker,
    WorkerFullError,
    WorkerUnreachableError,
)
from abeja.runtime.errors import (
    DeadlineExceededError,
    HandlerFailedError,
    RequestError,
    RequestMalformedError,
    SpoolFailedError,
    WorkerDiedError,
)
from abeja.runtime.messages import Body, Request, Response, SharedBody, whole
from abeja.runtime.outflow import Outflow
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from abeja.runtime.worker_lease import WorkerLease

_log = logging.getLogger("abeja.runtime")

# A streamed answer is held back until this long after its first piece: one that ends meanwhile goes out whole,
# with its length, and one that fails or hangs before is a clean 500 or 504.
_HOLD_S = 0.025


class Receiver(Protocol):
    """What a front gives the dispatcher to hand the answer to."""

    @property
    def takes_body(self) -> bool:
        """Whether the pieces of a streamed answer are of any use: not for HEAD."""

    def respond(self, response: Response) -> None:
        """Called exactly once, unless the exchange was cancelled. The receiver owns the body."""

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """The next piece of a streamed answer; a future that is not done lets the handler wait for it.

        Who takes nothing for too long is the receiver's to give up, with `Submission.cancel`.
        """

    def finish(self, *, is_complete: bool) -> None:
        """The end of a streamed answer; an incomplete one must be visible as such to the client."""


@frozen(kw_only=True)
class Terms:
    """What is the same for all exchanges of a dispatcher.

    Attributes:
        spool: for streamed answers that must be collected.
        timeout_s: how long a worker may take; None for as long as it likes.
        headers: the server's headers for answers of the handler.
        on_forgotten: called with an exchange that is cancelled before a worker has it.
        on_returned: called with one that needs another worker: the one that it was given to never had it.
        deadlines: of the handlers that run.
    """

    spool: Spool
    timeout_s: float | None
    headers: tuple[tuple[str, str], ...]
    on_forgotten: Callable[["Exchange"], None]
    on_returned: Callable[["Exchange"], None]
    deadlines: Deadlines = field(factory=Deadlines)


class Exchange:
    """One request. Made by `Dispatcher.submit`; it is the worker's `Call`.

    Args:
        request: its files are removed when the exchange ends.
        receiver: gets the answer.
        terms: see there.
        may_stream: whether the receiver takes an answer whose length is not known.
        on_collected: called with each piece of a streamed answer that the receiver gets as a whole.

    Attributes:
        queued_s, leased_s, answered_s, worker_number, error: for its record, see `RequestRecord`.
    """

    def __init__(
        self,
        request: Request,
        receiver: Receiver,
        terms: Terms,
        *,
        may_stream: bool,
        on_collected: Callable[[bytes], None] | None,
    ) -> None:
        self._receiver = receiver
        self._terms = terms
        self._may_stream = may_stream
        self._on_collected = on_collected
        self._worker: WorkerLease | None = None
        self._stream: Response | None = None
        # Of an answer that goes out piece by piece.
        self._outflow: Outflow | None = None
        self._held: BodySink | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._has_responded = False
        # Nobody waits for the answer any more, because it was given or the client has left.
        self._is_over = False
        self.request = request
        self.timeout_s = terms.timeout_s
        self.queued_s = time.monotonic()
        self.leased_s: float | None = None
        self.answered_s: float | None = None
        self.worker_number = 0
        self.error = ""

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has begun with the request, and the client has no answer either."""
        has_begun = self._worker is not None and self._worker.has_begun
        return not has_begun and not self._has_responded and not self._is_over

    def lease(self, worker: Worker) -> None:
        """Hand the request to a worker.

        Raises:
            WorkerUnreachableError: the worker has gone; nothing has happened to the request.
            WorkerFullError: it does not take the request now.
        """
        self._worker = WorkerLease(self, worker, self._terms.deadlines)
        try:
            worker.lease(self)
        except RequestTooLargeError as error:
            self._worker = None
            self.fail(RequestMalformedError("the request's headers are too large", detail=str(error)))
        except (WorkerUnreachableError, WorkerFullError):
            self._worker = None
            raise

    def cancel(self) -> None:
        """The client has left: drop the request if it waits, the answer if the handler runs."""
        # What the handler has finished may still be on its way.
        self._drop_outflow()
        if self._is_over:
            return
        self._end()
        if self._worker is None:
            self._terms.on_forgotten(self)
        elif not self._worker.has_begun and self._worker.withdraw():
            self._worker = None
            self.request.remove_files()
        elif self._stream is not None:
            self._worker.cancel_stream()

    def withdraw(self) -> bool:
        """Drop the request unless a worker has begun with it: then its answer comes, and this is False."""
        if self._is_over or (self._worker is not None and (self._worker.has_begun or not self._worker.withdraw())):
            return False
        if self._worker is None:
            self._terms.on_forgotten(self)
        self._worker = None
        self._end()
        return True

    def fail(self, error: RequestError) -> None:
        """Answer with an error of our own, or cut a streamed answer that has begun."""
        self.error = error.slug
        if error.detail:
            self._log(logging.ERROR, f"{error.slug}: {error.detail}")
        if not self._is_over and self._has_responded:
            self._cut()
        elif not self._is_over:
            self._respond(answers.error_response(error, request_id=self.request.request_id))
        self._end()

    def on_begun(self) -> None:
        """See `Call`."""
        if self._worker is not None:
            self.leased_s, self.worker_number = time.monotonic(), self._worker.number
            self._worker.begin()

    def on_answer(self, head: AnswerHead, body: bytes | SharedBody) -> None:
        """See `Call`."""
        if head.is_streamed:
            self._begin_stream(head)
            return
        self._release_worker()
        found: Body = body
        try:
            if head.file is not None:
                found = self._terms.spool.adopt(head.file, head.file_size_bytes)
            self._respond(answers.handler_response(head, found, self._terms.headers, self.request.request_id))
        except RequestError as error:
            if not isinstance(found, bytes):
                found.remove()
            self.fail(error)
        # Nothing else is held for an answer that came whole: the request's files have gone with it.
        self._is_over = True

    def on_chunk(self, data: bytes) -> None:
        """See `Call`."""
        if self._is_over:
            return
        if self._outflow is not None:
            self._outflow.write(data)
            return
        if self._held is None:
            return
        try:
            self._held.write(data)
            if self._on_collected is not None:
                self._on_collected(data)
            if self._may_stream and self._held.is_in_file:
                self._stop_holding()
            elif self._may_stream and self._hold is None:
                self._hold = asyncio.get_running_loop().call_later(_HOLD_S, self._stop_holding)
        except RequestError as error:
            self._give_up_stream(error)

    def on_end(self) -> None:
        """See `Call`."""
        self._release_worker()
        held, self._held = self._held, None
        if self._is_over:
            return
        if held is None or self._stream is None:
            self._end()
            if self._outflow is not None:
                self._outflow.end()
            return
        try:
            self._respond(attrs.evolve(self._stream, body=held.close()))
        except RequestError as error:
            self.fail(error)
        self._end()

    def on_failure(self, failure: HandlerFailure) -> None:
        """See `Call`."""
        self._release_worker()
        if failure.slug == SpoolFailedError.slug:
            self.fail(SpoolFailedError("the answer could not be stored", detail=failure.message))
            return
        shown = failure.traceback.rstrip() or failure.message
        summary = "unexpected error occurred in user model."
        self._log(logging.ERROR, f"{summary}\n{shown}", summary=summary, traceback=shown)
        self.fail(HandlerFailedError("unexpected error occurred"))

    def on_lost(self, reason: str) -> None:
        """See `Call`."""
        has_timed_out = self._worker is not None and self._worker.has_timed_out
        self._release_worker()
        if has_timed_out:
            message = f"the handler did not answer within {self.timeout_s:g} s"
            self.fail(DeadlineExceededError(message, detail=f"the worker {reason}"))
        else:
            self.fail(WorkerDiedError("the worker died while it had the request", detail=f"the worker {reason}"))

    def on_returned(self, reason: str) -> None:
        """See `Call`."""
        if self._worker is not None and self._worker.has_timed_out:
            self.on_lost(reason)
            return
        self._release_worker()
        if self._is_over:  # the client has left, and no worker has anything to do with it
            return
        # It has had no worker, as far as the handler is concerned.
        self.leased_s = self.answered_s = None
        self.worker_number = 0
        self._terms.on_returned(self)

    def _begin_stream(self, head: AnswerHead) -> None:
        try:
            self._stream = answers.handler_response(head, None, self._terms.headers, self.request.request_id)
        except RequestError as error:
            self._give_up_stream(error)
            return
        if self._is_over:
            self._cancel_stream()
            return
        self._held = BodySink(self._terms.spool, MemoryBudget())

    def _stop_holding(self) -> None:
        """From here on the answer goes out piece by piece."""
        held, self._held = self._held, None
        if held is None or self._stream is None or self._is_over:
            return
        try:
            body = held.close()
        except RequestError as error:
            # Nothing has gone out yet, so this can still be an answer of its own.
            self._give_up_stream(error)
            return
        self._respond(self._stream)
        outflow = Outflow(self._receiver, on_waiting=self._wait_for_client, on_taken=self._go_on)
        self._outflow = outflow
        if body:
            outflow.write(whole(body))
        if not isinstance(body, bytes):
            body.remove()
        if not self._receiver.takes_body:
            # The rest is for nobody; `on_end` follows.
            self._cancel_stream()

    def _wait_for_client(self) -> None:
        if self._worker is not None:
            self._worker.pause()

    def _go_on(self) -> None:
        if self._worker is not None:
            self._worker.resume()

    def _drop_outflow(self) -> None:
        if self._outflow is not None:
            self._outflow.drop()

    def _cut(self) -> None:
        self._drop_outflow()
        self._receiver.finish(is_complete=False)

    def _give_up_stream(self, error: RequestError) -> None:
        self.fail(error)
        self._cancel_stream()

    def _cancel_stream(self) -> None:
        if self._worker is not None:
            self._worker.cancel_stream()

    def _respond(self, response: Response) -> None:
        self._has_responded = True
        if response.body is not None:
            # Before the answer, so that whoever has it finds nothing of the request any more.
            self.request.remove_files()
        if self._is_over:
            response.remove_files()
        else:
            self._receiver.respond(response)

    def _release_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None
            self.answered_s = time.monotonic()
            if self._is_over:
                self.request.remove_files()

    def _end(self) -> None:
        """Give back what the exchange holds, but for the worker, which may not have ended yet."""
        self._is_over = True
        if self._hold is not None:
            self._hold.cancel()
        if self._held is not None:
            self._held.discard()
            self._held = None
        # A worker that has not answered may be about to read them.
        if self._worker is None:
            self.request.remove_files()

    def _log(self, level: int, message: str, **more: str) -> None:
        _log.log(level, "%s", message, extra={**self.request.log_fields(), **more})
