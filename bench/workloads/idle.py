"""The memory of a server that has answered one request."""

from bench import processes
from bench.running import Running
from bench.workload import Figures, Metric, SharedWorkload

_METRICS = (
    Metric(key="tree_mib", title="MiB, all processes"),
    Metric(key="server_mib", title="MiB, the first process"),
    Metric(key="processes", title="processes", better=None, digits=0),
)


def _measure(running: Running, seconds: float) -> Figures:  # noqa: ARG001 # it takes no time
    now = processes.memory(running.pid)
    return {"tree_mib": now.tree, "server_mib": now.server, "processes": now.processes}


WORKLOADS = (
    SharedWorkload(
        name="idle",
        title="memory after the first answer",
        job="total",
        metrics=_METRICS,
        measure=_measure,
    ),
)
