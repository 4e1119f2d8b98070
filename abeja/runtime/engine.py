"""What the dispatcher asks of whatever runs handlers: the local pool now, others later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from abeja.runtime.messages import Request, SharedBody


@frozen(kw_only=True)
class AnswerHead:
    """The head of a handler's answer, as the handler gave it: anything in it may be wrong.

    Attributes:
        status, content_type: what the handler returned.
        headers: (name, value) pairs.
        is_streamed: whether the body follows piece by piece.
        file: path of a file with the body; None if it came along or follows.
        file_size_bytes: the file's length.
    """

    status: Any
    content_type: Any
    headers: Any
    is_streamed: bool = False
    file: Path | None = None
    file_size_bytes: int = 0


@frozen(kw_only=True)
class HandlerFailure:
    """What the handler raised.

    Attributes:
        message: the exception on one line.
        traceback: the user's; empty if none of it is theirs.
        slug: which error it is: ``handler-failed``, or ``spool-failed`` if the answer could not be stored.
    """

    message: str
    traceback: str
    slug: str = "handler-failed"


class RequestTooLargeError(Exception):
    """The request's head does not fit into what the engine can carry."""


class WorkerUnreachableError(Exception):
    """The worker has gone, and was not given the request: another one may run it."""


class WorkerFullError(Exception):
    """The worker cannot be given the request now. If it was free, it is not until it says that it has room again."""


class Call(Protocol):
    """A request that a worker has.

    The last thing that it hears is exactly one of `on_end`, `on_failure`, `on_lost`, `on_returned`, or
    `on_answer` with a head that is not streamed.

    Attributes:
        request: what to run.
        timeout_s: how long the worker may take; None for as long as it likes.
    """

    request: Request
    timeout_s: float | None

    def on_begun(self) -> None:
        """The worker begins with it: at once when it gets it, or when it has done those before.

        If it returns the request, and another worker gets it, this comes again.
        """

    def on_answer(self, head: AnswerHead, body: bytes | SharedBody) -> None:
        """The answer's head, with its body unless that is a file or streamed."""

    def on_chunk(self, data: bytes) -> None:
        """The next piece of a streamed answer."""

    def on_end(self) -> None:
        """The streamed answer is complete."""

    def on_failure(self, failure: HandlerFailure) -> None:
        """The handler raised, before its answer or in the middle of it."""

    def on_lost(self, reason: str) -> None:
        """The worker ended without finishing the answer."""

    def on_returned(self, reason: str) -> None:
        """The worker has not begun, and will not: nothing has happened to the request.

        Args:
            reason: how the worker ended; empty if it lives, and another one has room.
        """


class Worker(Protocol):
    """Something that runs requests: one at a time, or some at once.

    Attributes:
        number: for people.
    """

    number: int

    def lease(self, call: Call) -> None:
        """Hand it a request. Only for a worker that has room, or takes requests ahead.

        Raises:
            RequestTooLargeError: the worker still has room.
            WorkerUnreachableError: it has no room any more.
            WorkerFullError: it has no room for this one.
        """

    def withdraw(self, call: Call) -> bool:
        """Take a request back with which it has not begun; `call` hears nothing more. False if it has begun."""

    def cancel_stream(self, call: Call) -> None:
        """Ask it to give up a streamed answer; `call` still hears of its end."""

    def pause(self, call: Call) -> None:
        """Let the answer wait: the client reads more slowly than the handler writes."""

    def resume(self, call: Call) -> None:
        """Let it go on. Does nothing if the call has ended by now."""

    def kill(self, reason: str, *, cause: str, because_of: Call | None = None) -> None:
        """End it now, with all of its calls.

        Args:
            reason: for the log, such as ``took longer than --timeout``.
            cause: one of a few words, for counting.
            because_of: the call that is the reason; the others are told that it was another's.
        """


class Engine(Protocol):
    """Runs handlers.

    Attributes:
        on_room: to be called when a worker has got room for a request.
        on_hopeless: to be called when no worker is there and it will take a while until there is one.
        has_been_ready: whether a worker was ever ready.
    """

    on_room: Callable[[], None]
    on_hopeless: Callable[[], None]
    has_been_ready: bool

    @property
    def has_ready_worker(self) -> bool:
        """Whether a worker is idle or busy, rather than starting."""

    @property
    def is_recovering(self) -> bool:
        """Whether a worker that can serve may be expected soon."""

    @property
    def trouble(self) -> str:
        """Why no worker is ready, for the log and for readiness; empty if one is."""

    def report(self) -> dict[str, Any]:
        """Its `workers`, its `last_exit` that was not asked for, and the number of `exits` by cause: as for /readyz."""

    async def start(self) -> None:
        """Start the workers and wait until every one is ready, or one is and the others cannot be started."""

    @property
    def ahead(self) -> int:
        """How many requests workers have got ahead: they wait until those before them are done."""

    def ahead_worker(self) -> Worker | None:
        """A worker that is busy, and takes one more ahead; None if none does. It may still go to another one."""

    def rebalance(self) -> None:
        """Return requests that one worker has got ahead, if another one has room; they hear `on_returned`."""

    def free_worker(self) -> Worker | None:
        """The least busy of the workers that have room for a request; None if none has."""
