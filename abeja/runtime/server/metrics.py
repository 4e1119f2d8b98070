"""``/metrics`` of the management port, in the text format of Prometheus: made when it is asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from abeja.runtime.admission import Condition
from abeja.runtime.model import Model
from abeja.runtime.version import VERSION

CONTENT_TYPE = CONTENT_TYPE_LATEST


def metrics(dispatcher: Condition, model: Model) -> bytes:
    """All metrics as they are now."""
    registry = CollectorRegistry()
    registry.register(_Collector(dispatcher, model))
    return generate_latest(registry)


class _Collector:
    def __init__(self, dispatcher: Condition, model: Model) -> None:
        self._dispatcher = dispatcher
        self._model = model

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        model = self._model
        labels = {"version": VERSION, "image_version": model.image.name, "abi": model.abi.name}
        yield InfoMetricFamily("abeja_runtime_build", "What is served, and by what.", labels)
        is_ready = not self._dispatcher.trouble
        yield GaugeMetricFamily("abeja_runtime_ready", "Whether a request can be served: 1 or 0.", int(is_ready))
        waiting = self._dispatcher.waiting
        yield GaugeMetricFamily("abeja_runtime_queue_requests", "Requests that wait for a worker.", waiting)
        report = self._dispatcher.report()
        yield from _workers(report)
        if "fronts" in report:
            yield from _fronts(report)


def _workers(report: Mapping[str, Any]) -> Iterator[Metric]:
    states = GaugeMetricFamily("abeja_runtime_workers", "Worker processes by state.", labels=["state"])
    for state in ("starting", "idle", "busy", "retired"):
        states.add_metric([state], sum(worker["state"] == state for worker in report["workers"]))
    yield states
    resident = GaugeMetricFamily(
        "abeja_runtime_worker_resident_bytes", "Resident memory of a worker process.", labels=["worker"]
    )
    for worker in report["workers"]:
        resident.add_metric([str(worker["worker"])], worker["resident_bytes"])
    yield resident
    exits = CounterMetricFamily("abeja_runtime_worker_exits", "Worker processes that ended.", labels=["cause"])
    for cause, number in sorted(report["exits"].items()):
        exits.add_metric([cause], number)
    yield exits


def _fronts(report: Mapping[str, Any]) -> Iterator[Metric]:
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
