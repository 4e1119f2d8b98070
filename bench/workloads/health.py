"""The health check of a server whose handlers are all busy."""

import http.client
import threading
import time

from bench.client import percentile
from bench.exchange import answer
from bench.load import Load, LoadError, Shape
from bench.running import Running
from bench.servers import Server
from bench.workload import Figures, Metric, SharedWorkload

_PAUSE_S = 0.02
_METRICS = (
    Metric(key="p50_ms", title="health p50 ms", digits=2),
    Metric(key="p99_ms", title="health p99 ms", digits=2),
    Metric(key="per_s", title="slow requests/s", better=None),
)


def _measure(running: Running, seconds: float) -> Figures:
    results: list[Load] = []

    def load() -> None:
        results.append(running.load(Shape(connections=16, seconds=seconds)))

    loader = threading.Thread(target=load)
    loader.start()
    times, errors = [], 0
    try:
        # Until the first requests are with the handlers.
        time.sleep(_PAUSE_S)
        while loader.is_alive():
            began = time.perf_counter()
            try:
                answer(running.health_request())
            except (OSError, http.client.HTTPException):
                errors += 1
            times.append(time.perf_counter() - began)
            time.sleep(_PAUSE_S)
    finally:
        loader.join()
    if not results:
        raise LoadError("nothing was answered")
    times.sort()
    return {
        "p50_ms": percentile(times, 50) * 1000,
        "p99_ms": percentile(times, 99) * 1000,
        "per_s": results[0].requests / results[0].seconds,
        "errors": errors,
    }


def _suits(server: Server) -> str | None:
    return None if server.health else "has no health check"


WORKLOADS = (
    SharedWorkload(
        name="health",
        title="the health check, while 16 clients wait for a handler of 200 ms",
        job="slow",
        metrics=_METRICS,
        measure=_measure,
        suits=_suits,
    ),
)
