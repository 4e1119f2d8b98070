"""Spans of OpenTelemetry for each request, if opentelemetry-api is installed: the extra `tracing` brings it."""

import importlib.util
from collections.abc import Iterator

from abeja.runtime import Service, hookimpl


@hookimpl
def abeja_observers(service: Service) -> Iterator[object]:
    """Makes spans, if there is somewhere to send them."""
    if importlib.util.find_spec("opentelemetry") is None:
        return
    # Only those who trace wait for these imports.
    from abeja_runtime_observers.tracing import provider  # noqa: PLC0415
    from abeja_runtime_observers.tracing.spans import Spans  # noqa: PLC0415

    traces = provider.provider(service)
    if traces is not None:
        yield Spans(traces, service)
