"""The memory that a large upload takes."""

import time

from bench import processes
from bench.environments import Environment
from bench.exchange import upload
from bench.load import LoadError
from bench.running import Running, started
from bench.servers import Server
from bench.workload import AloneWorkload, Figures, Metric

_MEGABYTE = 1000 * 1000
# For what is freed to be given back.
_SETTLE_S = 0.5
_METRICS = (
    Metric(key="server_grown_mib", title="server grows by MiB", better=None),
    Metric(key="tree_peak_mib", title="peak MiB, all processes"),
    Metric(key="tree_before_mib", title="before", better=None),
    Metric(key="tree_after_mib", title="after", better=None),
    Metric(key="seconds", title="s", digits=2),
)


def _workload(name: str, megabytes: int, *, rounds: int) -> AloneWorkload:
    size = megabytes * _MEGABYTE

    def measure(server: Server, environment: Environment) -> Figures:
        with started(server, environment, "length") as running:
            running.wait_until_it_answers()
            return _measured(running, size)

    return AloneWorkload(
        name=name,
        title=f"an upload of {megabytes} MB, which the handler reads in pieces",
        job="length",
        metrics=_METRICS,
        measure=measure,
        suits=_suits,
        rounds=rounds,
    )


def _suits(server: Server) -> str | None:
    return "no HTTP" if server.transport == "socket" else None


def _measured(running: Running, size: int) -> Figures:
    before = processes.memory(running.pid)
    began = time.perf_counter()
    with processes.peak_memory(running.pid) as peak:
        body = upload(running.upload_request(), size)
        took_s = time.perf_counter() - began
    if str(size).encode() not in body:
        raise LoadError(f"a wrong answer: {body[:200]!r}")
    time.sleep(_SETTLE_S)
    return {
        "server_grown_mib": peak.server - before.server,
        "tree_peak_mib": peak.tree,
        "tree_before_mib": before.tree,
        "tree_after_mib": processes.memory(running.pid).tree,
        "seconds": took_s,
    }


WORKLOADS = (_workload("upload-100mb", 100, rounds=2), _workload("upload-1gb", 1000, rounds=1))
