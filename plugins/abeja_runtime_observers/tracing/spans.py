"""The spans of a request, made after the fact from the times of its record."""

from collections.abc import Iterator, Sequence

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from abeja.runtime import RequestRecord, Service, hookimpl

_SERVER_ERROR = 500


class Spans:
    """One span for each request, with one for each stage that it came to.

    Args:
        provider: gets them.
        service: whose requests they are.
    """

    def __init__(self, provider: trace.TracerProvider, service: Service) -> None:
        self._tracer = provider.get_tracer("abeja-runtime", service.version)
        self._parents = TraceContextTextMapPropagator()
        self._attributes = {
            "abeja.handler": service.handler,
            "abeja.image_version": service.image_version,
            "abeja.abi": service.abi,
        }

    @hookimpl
    def abeja_requests_answered(self, records: Sequence[RequestRecord]) -> None:
        """Make their spans."""
        for record in records:
            self._trace(record)

    def _trace(self, record: RequestRecord) -> None:
        parent = self._parents.extract({"traceparent": record.traceparent}) if record.traceparent else None
        span = self._tracer.start_span(
            record.method,
            context=parent,
            kind=trace.SpanKind.SERVER,
            attributes={**self._attributes, **_attributes(record)},
            start_time=_nanoseconds(record, record.received_s),
        )
        if record.status >= _SERVER_ERROR or record.outcome == "cut":
            span.set_status(trace.StatusCode.ERROR, record.error or record.outcome)
        if span.is_recording():
            context = trace.set_span_in_context(span)
            for name, begin_s, end_s in stages(record):
                stage = self._tracer.start_span(name, context=context, start_time=_nanoseconds(record, begin_s))
                stage.end(_nanoseconds(record, end_s))
        span.end(_nanoseconds(record, record.sent_s))


def stages(record: RequestRecord) -> Iterator[tuple[str, float, float]]:
    """What happened to a request one after the other: name, begin and end by the monotonic clock.

    The last stage that it came to lasts until its end; `send` is what follows on the worker's part.
    """
    times = (
        ("receive", record.received_s),
        ("queue", record.queued_s),
        ("handler", record.leased_s),
        ("send", record.answered_s),
    )
    reached = [(name, begin_s) for name, begin_s in times if begin_s is not None]
    ends = [*(begin_s for _, begin_s in reached[1:]), record.sent_s]
    for (name, begin_s), end_s in zip(reached, ends, strict=True):
        yield name, begin_s, end_s


def _attributes(record: RequestRecord) -> dict[str, str | int]:
    """By the semantic conventions of OpenTelemetry, where they have a name."""
    found: dict[str, str | int] = {
        "http.request.method": record.method,
        "url.path": record.path,
        "client.address": record.client_ip,
        "http.request.body.size": record.request_bytes,
        "http.response.body.size": record.response_bytes,
        "abeja.request_id": record.request_id,
        "abeja.outcome": record.outcome,
    }
    if record.status:
        found["http.response.status_code"] = record.status
    if record.worker:
        found["abeja.worker"] = record.worker
    if record.error:
        found["error.type"] = record.error
    return found


def _nanoseconds(record: RequestRecord, time_s: float) -> int:
    """Since 1970."""
    return int((record.time_s + time_s - record.received_s) * 1e9)
