"""Metrics in the format of Prometheus, for the management port."""

from collections.abc import Iterator
from typing import Any

from abeja.runtime import Service, hookimpl
from abeja_runtime_observers.metrics.requests import RequestMetrics


@hookimpl
def abeja_observers(service: Service) -> Iterator[object]:
    """The counters of requests, and a socket for those of handlers; the rest is looked at when it is asked for."""
    # Only servers need it.
    from abeja_runtime_observers.metrics import inlet  # noqa: PLC0415

    requests, of_handler = RequestMetrics(), inlet.opened(service.scratch)
    if of_handler is not None:
        service.variables[inlet.VARIABLE] = of_handler.address
        service.closing(of_handler.close)

    def collect() -> Iterator[Any]:
        # They import prometheus_client.
        from abeja_runtime_observers.metrics import exposition, workers  # noqa: PLC0415

        yield from workers.collect(service)
        yield from exposition.of_requests(requests)
        if of_handler is not None:
            of_handler.drain()
            yield from exposition.of_handler(of_handler.metrics)

    service.offer_metrics(collect)
    yield requests
