"""What happens while a model is served, as the values that observers are given.

All times that end in `_s`, but for `time_s`, are of one monotonic clock: only their differences mean something.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from attrs import field, frozen

from abeja.runtime import traceparent


class RequestRecord(NamedTuple):
    """One request of the service port that has come to its end. A tuple, because one is made for every request.

    Attributes:
        request_id: as in the log and in the answer.
        method: upper case, as the client sent it: anything may stand there.
        path: of the request's target, undecoded and without the query, which may hold secrets.
        client_ip: the address that it came from.
        requester_id: the header ``x-abeja-requester-id``; empty if there is none.
        traceparent: the header, if it is a valid one of W3C Trace Context; else empty.
        time_s: when its head had been read, in seconds since 1970.
        received_s: the same by the monotonic clock.
        queued_s: when its body had been read and it was ready for a worker; None if it never was.
        leased_s: when a worker began with it; None if none did.
        answered_s: when the worker had finished its answer, or was lost; None if there was no worker, or it goes on.
        sent_s: when the last of the answer had been written to the connection, or the client had left.
        worker: the number of the last worker that began with it; 0 if none did.
        status: of the answer; 0 if there was none.
        content_type: of the answer; empty if there was none.
        request_bytes: of the request's body, as far as it was read.
        response_bytes: of the answer's body, as far as it was written.
        error: the slug of what went wrong, such as ``queue-full`` or ``handler-failed``; empty for what the handler
            answered.
        outcome: ``complete``; ``cut`` if the answer ends too early; ``left`` if the client did not wait for the end.
    """

    request_id: str
    method: str
    path: str
    client_ip: str
    requester_id: str
    traceparent: str
    time_s: float
    received_s: float
    queued_s: float | None
    leased_s: float | None
    answered_s: float | None
    sent_s: float
    worker: int
    status: int
    content_type: str
    request_bytes: int
    response_bytes: int
    error: str
    outcome: str

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits; empty if the client sent no `traceparent`."""
        return traceparent.trace_id(self.traceparent)


@frozen(kw_only=True)
class WorkerEnd:
    """The end of one worker process.

    Attributes:
        worker: its number.
        cause: one of a few words, such as ``SIGSEGV``, ``exit-1``, ``out-of-memory`` or ``renewed``.
        reason: the same for people.
        is_expected: whether it was told to end.
        time_s: in seconds since 1970.
    """

    worker: int
    cause: str
    reason: str
    is_expected: bool
    time_s: float


class Log(Protocol):
    """Where the log goes, for observers that write lines of their own.

    Attributes:
        is_json: whether each line is a JSON object.
        fields: members that every such line has, such as ``model``.
    """

    is_json: bool
    fields: Mapping[str, str]

    def takes(self, level: str) -> bool:
        """Whether lines of a level such as ``info`` are wanted."""

    def hide(self, text: str) -> str:
        """`text` without secrets, for what a client has sent."""

    def write(self, lines: str) -> None:
        """Write whole lines as they are, all at once; never raises."""


@frozen(kw_only=True)
class State:
    """How a service is at this moment.

    Attributes:
        is_ready: whether a request can be served.
        in_flight: requests between their head and the last byte of their answer.
        waiting: those of them that wait for a worker.
        workers: one mapping for each worker process, with the members of ``workers`` of ``/readyz``.
        exits: how many workers have ended, by cause.
    """

    is_ready: bool
    in_flight: int
    waiting: int
    workers: tuple[Mapping[str, Any], ...]
    exits: Mapping[str, int]


@frozen(kw_only=True)
class Service:
    """What is served, for observers.

    Attributes:
        version: of abeja-runtime.
        handler: ``<module>:<function>``.
        folder: of the model.
        image_version: such as ``19.04``.
        abi: name of the handler ABI.
        environment_s: how long it took to prepare the handler's Python and packages.
        log: where lines go.
        scratch: a folder of mode 0700 for files of its own; whatever happens, it goes when the server goes.
        state: how it is at the moment of the call.
        variables: the environment of the workers. An observer may add variables of its own while
            `abeja_observers` is called, before the first worker starts.
        offer_metrics: takes a function that yields `prometheus_client` metrics, as `collect` of a
            collector does, for ``/metrics`` of the management port. It is called in the server's event loop,
            each time when somebody asks; one that raises is not asked again.
        closing: takes a function that is called once, after the last event.
    """

    version: str
    handler: str
    folder: str
    image_version: str
    abi: str
    environment_s: float
    log: Log
    scratch: str
    state: Callable[[], State]
    variables: dict[str, str] = field(factory=dict)
    offer_metrics: Callable[[Callable[[], Iterable[Any]]], None]
    closing: Callable[[Callable[[], None]], None]
