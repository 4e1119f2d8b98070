"""Metrics in the format of Prometheus, for the management port."""

from collections.abc import Iterator

from abeja.runtime import Service, hookimpl


@hookimpl
def abeja_observers(service: Service) -> Iterator[object]:
    """The counters of requests; the rest is looked at when it is asked for."""
    # Only servers need what it imports.
    from abeja_runtime_observers.metrics.requests import RequestMetrics  # noqa: PLC0415
    from abeja_runtime_observers.metrics.workers import collect  # noqa: PLC0415

    requests = RequestMetrics()
    service.offer_metrics(lambda: collect(service))
    service.offer_metrics(requests.collect)
    yield requests
