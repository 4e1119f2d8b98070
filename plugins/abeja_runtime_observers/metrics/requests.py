"""What is counted of requests: a batch at a time, and made into metrics when somebody asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import sub

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from abeja.runtime import RequestRecord, hookimpl

# In seconds: models answer in a millisecond or in a minute.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# A client may send any word; there are no more series than these.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
_STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")


class Histogram:
    """How often a duration was in each bucket."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._sum_s = 0.0

    def add(self, begins_s: Sequence[float | None], ends_s: Sequence[float | None]) -> None:
        """Count the times between the beginnings and the ends, where both are there."""
        if None in ends_s:
            pairs = [(begin, end) for begin, end in zip(begins_s, ends_s, strict=True) if None not in (begin, end)]
            begins_s, ends_s = [begin for begin, _ in pairs], [end for _, end in pairs]
        durations_s = list(map(sub, ends_s, begins_s))
        self._counts.update(map(bisect_left, repeat(BUCKETS_S), durations_s))
        self._sum_s += sum(durations_s)

    def metric(self, name: str, documentation: str) -> Metric:
        """As it is now."""
        total, buckets = 0, []
        for number, bound in enumerate((*map(str, BUCKETS_S), "+Inf")):
            total += self._counts[number]
            buckets.append((bound, total))
        return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=self._sum_s)


class RequestMetrics:
    """Of one server."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._incomplete: Counter[str] = Counter()
        self._rejections: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._request_bytes = self._response_bytes = 0
        self._duration, self._queue, self._handler = Histogram(), Histogram(), Histogram()

    @hookimpl
    def abeja_requests_answered(self, records: Sequence[RequestRecord]) -> None:
        """Count them."""
        # By columns: what is done for every request is done in C.
        columns = zip(*records, strict=True)
        (_, methods, _, _, _, _, _, received, queued, leased, answered,
         sent, _, statuses, _, request_bytes, response_bytes, errors, outcomes) = columns  # fmt: skip
        self._requests.update(zip(methods, statuses, strict=True))
        self._request_bytes += sum(request_bytes)
        self._response_bytes += sum(response_bytes)
        self._duration.add(received, sent)
        self._queue.add(queued, leased)
        self._handler.add(leased, answered)
        if any(errors) or outcomes.count("complete") < len(outcomes):
            self._count_rare(records)
        if len(self._requests) > _KEYS_LIMIT:
            self._requests = self._with_bounded_keys()

    def _count_rare(self, records: Sequence[RequestRecord]) -> None:
        for record in records:
            if record.outcome != "complete":
                self._incomplete[record.outcome] += 1
            if record.error:
                (self._failures if record.worker else self._rejections)[record.error] += 1

    def collect(self) -> Iterator[Metric]:
        """Called when somebody asks."""
        name = "abeja_runtime_requests"
        requests = CounterMetricFamily(name, "Requests that have come to their end.", labels=["method", "status"])
        by_labels: Counter[tuple[str, str]] = Counter()
        for (method, status), count in self._requests.items():
            by_labels[_method(method), _STATUSES[status // 100]] += count
        for labels, count in sorted(by_labels.items()):
            requests.add_metric(labels, count)
        yield requests
        yield _counter(
            "abeja_runtime_incomplete", "Requests without the end of an answer.", "outcome", self._incomplete
        )
        yield _counter(
            "abeja_runtime_rejections", "Requests refused before a worker had them.", "reason", self._rejections
        )
        yield _counter(
            "abeja_runtime_failures", "Requests that failed after a worker had them.", "reason", self._failures
        )
        yield CounterMetricFamily("abeja_runtime_request_bytes", "Bytes of request bodies.", self._request_bytes)
        yield CounterMetricFamily("abeja_runtime_response_bytes", "Bytes of answers' bodies.", self._response_bytes)
        yield self._duration.metric(
            "abeja_runtime_request_duration_seconds", "From a request's head to the last byte of its answer."
        )
        yield self._queue.metric("abeja_runtime_queue_wait_seconds", "Time for which a request waited for a worker.")
        yield self._handler.metric("abeja_runtime_handler_duration_seconds", "Time for which a worker had a request.")

    def _with_bounded_keys(self) -> Counter[tuple[str, int]]:
        bounded: Counter[tuple[str, int]] = Counter()
        for (method, status), count in self._requests.items():
            bounded[_method(method), status] += count
        return bounded


# Above what the methods with a name and all statuses in use make; a client's own words are put together then.
_KEYS_LIMIT = 8 * 500


def _method(method: str) -> str:
    return method if method in _METHODS else "other"


def _counter(name: str, documentation: str, label: str, counts: Counter[str]) -> Metric:
    metric = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in sorted(counts.items()):
        metric.add_metric([value], count)
    return metric
