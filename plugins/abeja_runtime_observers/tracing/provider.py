"""Where spans go: to the provider that is there, or to one of the SDK with the exporter that the environment names."""

import importlib.metadata
import logging
import os
from typing import Any

from opentelemetry import trace

from abeja.runtime import Service

_log = logging.getLogger("abeja.runtime")

# The names are OpenTelemetry's own.
_EXPORTER, _ENDPOINTS = "OTEL_TRACES_EXPORTER", ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_DISABLED = "OTEL_SDK_DISABLED"
_GROUP = "opentelemetry_traces_exporter"


def provider(service: Service) -> trace.TracerProvider | None:
    """The provider for this server; None if nobody has asked for traces.

    Under ``opentelemetry-instrument`` there is one already. Otherwise it is made if the variables of
    OpenTelemetry name an exporter; what cannot be made is a warning.
    """
    if os.environ.get(_DISABLED, "").lower() == "true":
        return None
    current = trace.get_tracer_provider()
    if not isinstance(current, trace.ProxyTracerProvider):
        return current
    names = [name.strip() for name in os.environ.get(_EXPORTER, "").split(",") if name.strip() not in ("", "none")]
    if not names and any(os.environ.get(variable) for variable in _ENDPOINTS):
        names = ["otlp"]
    if not names:
        return None
    try:
        return _sdk_provider(names, service)
    except Exception as error:  # an exporter is a third party's
        _log.warning("requests are not traced: %s: %s", type(error).__name__, error)
        return None


def _sdk_provider(names: list[str], service: Service) -> trace.TracerProvider:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (the SDK may not be installed)
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins.
    named = {} if _is_named() else {"service.name": service.log.fields.get("model") or "abeja-runtime"}
    made = TracerProvider(resource=Resource.create(named))
    for name in names:
        made.add_span_processor(BatchSpanProcessor(_exporter(name)))
    service.closing(made.shutdown)
    return made


def _is_named() -> bool:
    return "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")


def _exporter(name: str) -> Any:
    # `otlp` alone is OTLP over gRPC where that is installed; the extra brings the one over HTTP.
    found = list(importlib.metadata.entry_points(group=_GROUP, name="otlp_proto_http" if name == "otlp" else name))
    if not found:
        raise LookupError(f"no exporter {name!r} is installed ({_EXPORTER})")
    return found[0].load()()
