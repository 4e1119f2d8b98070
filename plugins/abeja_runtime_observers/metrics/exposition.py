"""Makes metrics of what was counted. It is imported when somebody asks for the first time: most developers never do."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from abeja_runtime_observers.metrics.handler import BUCKETS, Family, HandlerMetrics
from abeja_runtime_observers.metrics.requests import BUCKETS_S, Histogram, RequestMetrics, known

HANDLER_PREFIX = "abeja_handler_"
# What is asked for most often is there from the beginning: Prometheus sees no growth in a series that begins with 1.
_OUTCOMES = ("cut", "left")
_REJECTIONS = ("not-ready", "queue-full")
_FAILURES = ("deadline-exceeded", "handler-failed", "worker-died")
_STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")


def of_requests(counted: RequestMetrics) -> Iterator[Metric]:
    """The metrics of the requests."""
    name = "abeja_runtime_requests"
    requests = CounterMetricFamily(name, "Requests that have come to their end.", labels=["method", "status"])
    by_labels: Counter[tuple[str, str]] = Counter()
    for (method, status), count in counted.requests.items():
        by_labels[known(method), _STATUSES[status // 100]] += count
    for labels, count in sorted(by_labels.items()):
        requests.add_metric(labels, count)
    yield requests
    yield _counter("incomplete", "Requests without the end of an answer.", "outcome", counted.incomplete, _OUTCOMES)
    yield _counter(
        "rejections", "Requests refused before a worker had them.", "reason", counted.rejections, _REJECTIONS
    )
    yield _counter("failures", "Requests that failed after a worker had them.", "reason", counted.failures, _FAILURES)
    yield CounterMetricFamily("abeja_runtime_request_bytes", "Bytes of request bodies.", counted.request_bytes)
    yield CounterMetricFamily("abeja_runtime_response_bytes", "Bytes of answers' bodies.", counted.response_bytes)
    yield _histogram("request_duration", "From a request's head to the last byte of its answer.", counted.duration)
    yield _histogram("queue_wait", "Time for which a request waited for a worker.", counted.queue)
    yield _histogram("handler_duration", "Time for which a worker had a request.", counted.handler)


def of_handler(counted: HandlerMetrics) -> Iterator[Metric]:
    """The metrics of the handler's own, and what of them was left out."""
    for name, family in sorted(counted.families.items()):
        yield _family(f"{HANDLER_PREFIX}{name}", family)
    yield _counter(
        "handler_samples_dropped", "Samples of the handler's own that were left out.", "reason", counted.dropped
    )


def _counter(name: str, documentation: str, label: str, counts: Counter[str], expected: Sequence[str] = ()) -> Metric:
    metric = CounterMetricFamily(f"abeja_runtime_{name}", documentation, labels=[label])
    for value in sorted({*counts, *expected}):
        metric.add_metric([value], counts[value])
    return metric


def _histogram(name: str, documentation: str, histogram: Histogram) -> Metric:
    total, buckets = 0, []
    for number, bound in enumerate((*map(str, BUCKETS_S), "+Inf")):
        total += histogram.counts[number]
        buckets.append((bound, total))
    return HistogramMetricFamily(
        f"abeja_runtime_{name}_seconds", documentation, buckets=buckets, sum_value=histogram.sum_s
    )


def _family(name: str, family: Family) -> Metric:
    metric = Metric(name, "Of the handler's own.", family.kind)
    suffix = "_total" if family.kind == "counter" else ""
    for labels, value in sorted(family.values.items()):
        metric.add_sample(name + suffix, dict(labels), value)
    for labels, histogram in sorted(family.histograms.items(), key=lambda item: item[0]):
        total = 0.0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
            total += count
            metric.add_sample(f"{name}_bucket", {**dict(labels), "le": bound}, total)
        metric.add_sample(f"{name}_count", dict(labels), total)
        metric.add_sample(f"{name}_sum", dict(labels), histogram.sum)
    return metric
