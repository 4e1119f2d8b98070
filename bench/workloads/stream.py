"""The first byte of an answer that is made piece by piece."""

import statistics

from bench.exchange import first_byte_s
from bench.running import Running
from bench.workload import Figures, Metric, SharedWorkload

_TIMES = 5
_METRICS = (Metric(key="first_byte_ms", title="first byte ms", digits=2),)


def _measure(running: Running, seconds: float) -> Figures:  # noqa: ARG001 # a fixed number of answers
    times = [first_byte_s(running.request()) for _ in range(_TIMES)]
    return {"first_byte_ms": statistics.median(times) * 1000}


WORKLOADS = (
    SharedWorkload(
        name="stream",
        title="time to the first byte of an answer of five pieces, 50 ms apart",
        job="stream",
        metrics=_METRICS,
        measure=_measure,
    ),
)
