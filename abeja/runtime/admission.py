"""What HTTP asks of whoever takes its requests: the dispatcher of this process, or the way to that of another."""

from typing import Any, Protocol

from abeja.runtime.errors import RequestError
from abeja.runtime.exchange import Receiver
from abeja.runtime.messages import Request


class Submission(Protocol):
    """A request that has been taken."""

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has had it yet. Asked when the client has stopped sending: then it is dropped."""

    @property
    def queued_s(self) -> float | None:
        """For its record, as the four below: see `RequestRecord`."""

    @property
    def leased_s(self) -> float | None:
        """See `RequestRecord`."""

    @property
    def answered_s(self) -> float | None:
        """See `RequestRecord`."""

    @property
    def worker_number(self) -> int:
        """See `RequestRecord`."""

    @property
    def error(self) -> str:
        """See `RequestRecord`."""

    def cancel(self) -> None:
        """The client has left."""


class Admission(Protocol):
    """Takes requests; see `abeja.runtime.dispatch.Dispatcher`, which is one."""

    @property
    def trouble(self) -> str:
        """Why no request can be served now; empty if one can."""

    def refusal(self) -> RequestError | None:
        """The error for a request that comes now; None if it is admitted."""

    def submit(
        self, request: Request, receiver: Receiver, *, may_stream: bool = True, is_admitted: bool = True
    ) -> Submission:
        """Take a request. The receiver is called back, perhaps before this returns.

        Raises:
            RequestError: nobody has asked whether it is admitted, and it is not.
        """


class Condition(Protocol):
    """How a server is: what the management port asks of the dispatcher, or of it and its fronts."""

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""

    @property
    def trouble(self) -> str:
        """Why no request can be served now; empty if one can."""

    def report(self) -> dict[str, Any]:
        """The fields for readiness: see `Engine.report`, and `Fronts.report` if there are fronts."""


class Activity(Protocol):
    """Which answers are still on their way: see `abeja.runtime.server.activity.Activity`."""

    @property
    def count(self) -> int:
        """How many there are."""

    async def wait_until_idle(self) -> None:
        """Wait until every answer has left."""
