"""What is looked at when it is asked for: the workers, the queue, the server itself."""

import resource
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from abeja.runtime import Service, State

_STATES = ("starting", "idle", "busy", "retired")


def collect(service: Service) -> Iterator[Metric]:
    """The metrics of a service as it is now."""
    state = service.state()
    labels = {"version": service.version, "image_version": service.image_version, "abi": service.abi}
    yield InfoMetricFamily("abeja_runtime_build", "What is served, and by what.", labels)
    yield GaugeMetricFamily("abeja_runtime_ready", "Whether a request can be served: 1 or 0.", int(state.is_ready))
    yield GaugeMetricFamily(
        "abeja_runtime_requests_in_flight", "Requests between their head and the end of their answer.", state.in_flight
    )
    yield GaugeMetricFamily("abeja_runtime_queue_requests", "Requests that wait for a worker.", state.waiting)
    yield GaugeMetricFamily(
        "abeja_runtime_environment_seconds", "Time for preparing Python and packages.", service.environment_s
    )
    yield from _workers(state)
    yield from _server()


def _workers(state: State) -> Iterator[Metric]:
    states = GaugeMetricFamily("abeja_runtime_workers", "Worker processes by state.", labels=["state"])
    for name in _STATES:
        states.add_metric([name], sum(worker["state"] == name for worker in state.workers))
    yield states
    for name, member, documentation in (
        ("resident_bytes", "resident_bytes", "Resident memory of a worker process."),
        ("load_seconds", "load_s", "Time from a worker's start until it had loaded the handler."),
    ):
        metric = GaugeMetricFamily(f"abeja_runtime_worker_{name}", documentation, labels=["worker"])
        for worker in state.workers:
            metric.add_metric([str(worker["worker"])], worker[member])
        yield metric
    cpu = CounterMetricFamily("abeja_runtime_worker_cpu_seconds", "Processor time of a worker.", labels=["worker"])
    for worker in state.workers:
        cpu.add_metric([str(worker["worker"])], worker["cpu_s"])
    yield cpu
    exits = CounterMetricFamily("abeja_runtime_worker_exits", "Worker processes that ended.", labels=["cause"])
    for cause, number in sorted(state.exits.items()):
        exits.add_metric([cause], number)
    yield exits


def _server() -> Iterator[Metric]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield CounterMetricFamily(
        "abeja_runtime_server_cpu_seconds", "Processor time of the server's process.", used.ru_utime + used.ru_stime
    )
    yield GaugeMetricFamily(
        "abeja_runtime_server_peak_resident_bytes",
        "The most resident memory that the server's process has had.",
        used.ru_maxrss * 1024,
    )
