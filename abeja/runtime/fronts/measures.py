"""The metrics of fronts."""

from collections.abc import Iterator, Mapping
from typing import Any


def measures(report: Mapping[str, Any]) -> Iterator[Any]:
    """Metrics of prometheus_client, made of what `Fronts.report` says."""
    # Imported when it is asked for: most servers never are.
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    states = GaugeMetricFamily("abeja_runtime_fronts", "Front processes by state.", labels=["state"])
    for state in ("starting", "ready"):
        states.add_metric([state], sum(front["state"] == state for front in report["fronts"]))
    yield states
    connections = GaugeMetricFamily(
        "abeja_runtime_front_connections", "Open connections of a front process.", labels=["front"]
    )
    resident = GaugeMetricFamily(
        "abeja_runtime_front_resident_bytes", "Resident memory of a front process.", labels=["front"]
    )
    for front in report["fronts"]:
        connections.add_metric([str(front["front"])], front["connections"])
        resident.add_metric([str(front["front"])], front["resident_bytes"])
    yield connections
    yield resident
    exits = CounterMetricFamily("abeja_runtime_front_exits", "Front processes that ended.", labels=["cause"])
    for cause, number in sorted(report["front_exits"].items()):
        exits.add_metric([cause], number)
    yield exits
