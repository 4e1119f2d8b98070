"""As many requests as a server answers, with what each of them costs."""

from bench import processes
from bench.load import Shape
from bench.running import Running
from bench.servers import Server
from bench.workload import Figures, Metric, SharedWorkload

_US_PER_S = 1_000_000
METRICS = (
    Metric(key="per_s", title="requests/s", better="higher", digits=0),
    Metric(key="cpu_us", title="CPU us/request", digits=0),
    Metric(key="p50_ms", title="p50 ms", digits=2),
    Metric(key="p99_ms", title="p99 ms", digits=2),
)


def _workload(name: str, title: str, job: str, *, connections: int, keep_alive: bool = True) -> SharedWorkload:
    def measure(running: Running, seconds: float) -> Figures:
        before_s = processes.cpu_s(running.pid)
        load = running.load(Shape(connections=connections, seconds=seconds, keep_alive=keep_alive))
        used_s = processes.cpu_s(running.pid) - before_s
        return {
            "per_s": load.requests / load.seconds,
            "cpu_us": used_s / load.requests * _US_PER_S,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
            "errors": load.errors,
        }

    def suits(server: Server) -> str | None:
        if server.transport == "socket" and not keep_alive:
            return "no HTTP"
        return None

    return SharedWorkload(name=name, title=title, job=job, metrics=METRICS, measure=measure, suits=suits, warms_up=True)


WORKLOADS = (
    _workload("json-c1", "small JSON, 1 connection: the latency", "total", connections=1),
    _workload("json-c32", "small JSON, 32 connections", "total", connections=32),
    _workload("json-c128", "small JSON, 128 connections", "total", connections=128),
    _workload(
        "json-close",
        "small JSON, 32 clients, a new connection for each request",
        "total",
        connections=32,
        keep_alive=False,
    ),
    _workload("echo", "1 MiB there and back, 8 connections", "echo", connections=8),
    _workload("flip", "a JPEG is mirrored, 4 connections", "flip", connections=4),
    _workload("burn", "about 2 ms of computing in Python, 8 connections", "burn", connections=8),
)
