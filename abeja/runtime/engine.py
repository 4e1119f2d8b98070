"""What the dispatcher asks of whatever runs handlers: the local pool now, others later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from abeja.runtime.messages import Request


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
    """

    message: str
    traceback: str


class RequestTooLargeError(Exception):
    """The request's head does not fit into what the engine can carry."""


class Call(Protocol):
    """A request that a worker has.

    The last thing that it hears is exactly one of `on_end`, `on_failure`, `on_lost`, or `on_answer`
    with a head that is not streamed.

    Attributes:
        request: what to run.
        timeout_s: how long the worker may take; None for as long as it likes.
    """

    request: Request
    timeout_s: float | None

    def on_answer(self, head: AnswerHead, body: bytes) -> None:
        """The answer's head, with its body unless that is a file or streamed."""

    def on_chunk(self, data: bytes) -> None:
        """The next piece of a streamed answer."""

    def on_end(self) -> None:
        """The streamed answer is complete."""

    def on_failure(self, failure: HandlerFailure) -> None:
        """The handler raised, before its answer or in the middle of it."""

    def on_lost(self, reason: str) -> None:
        """The worker ended without finishing the answer."""


class Worker(Protocol):
    """Something that runs one request at a time."""

    @property
    def is_idle(self) -> bool:
        """Whether it can take a request."""

    def lease(self, call: Call) -> None:
        """Hand it a request. Only for an idle worker.

        Raises:
            RequestTooLargeError: the worker stays idle.
        """

    def cancel_stream(self, call: Call) -> None:
        """Ask it to give up a streamed answer; `call` still hears of its end."""

    def pause(self, call: Call) -> None:
        """Let it wait: the client reads more slowly than the handler writes."""

    def resume(self, call: Call) -> None:
        """Let it go on. Does nothing if it has another call by now."""

    def kill(self, reason: str, *, cause: str) -> None:
        """End it now; the reason is for the log, the cause is one of a few words, for counting."""


class Engine(Protocol):
    """Runs handlers.

    Attributes:
        on_idle: to be called with a worker that can take a request.
        on_hopeless: to be called when no worker is there and it will take a while until there is one.
        has_been_ready: whether a worker was ever ready.
    """

    on_idle: Callable[[Worker], None]
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

    def idle_worker(self) -> Worker | None:
        """A worker that can take a request now."""
