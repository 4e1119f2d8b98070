"""All workloads, in the order of the report."""

from bench.workload import Workload
from bench.workloads import health, idle, stalled, start, stream, throughput, upload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        *idle.WORKLOADS,
        *throughput.WORKLOADS,
        *health.WORKLOADS,
        *stalled.WORKLOADS,
        *stream.WORKLOADS,
        *upload.WORKLOADS,
        *start.WORKLOADS,
    )
}
