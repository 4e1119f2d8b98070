"""``/metrics`` of the management port, in the text format of Prometheus: made when it is asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.model import Model
from abeja.runtime.version import VERSION

CONTENT_TYPE = CONTENT_TYPE_LATEST


def metrics(dispatcher: Dispatcher, model: Model) -> bytes:
    """All metrics as they are now."""
    registry = CollectorRegistry()
    registry.register(_Collector(dispatcher, model))
    return generate_latest(registry)


class _Collector:
    def __init__(self, dispatcher: Dispatcher, model: Model) -> None:
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
        yield from self._workers()

    def _workers(self) -> Iterator[Metric]:
        report = self._dispatcher.report()
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
