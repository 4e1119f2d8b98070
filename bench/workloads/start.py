"""How long it takes until a server answers."""

import subprocess
import tempfile
import time

from bench.environments import Environment
from bench.load import LoadError
from bench.running import started
from bench.servers import Server
from bench.workload import AloneWorkload, Figures, Metric

_TIMEOUT_S = 60


def _measure_warm(server: Server, environment: Environment) -> Figures:
    with started(server, environment, "total") as running:
        return {"first_answer_s": running.wait_until_it_answers()}


def _measure_cold(server: Server, environment: Environment) -> Figures:
    """Without any bytecode, as after an installation that does not compile."""
    with (
        tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-") as empty,
        started(server, environment, "total", variables={"PYTHONPYCACHEPREFIX": empty}) as running,
    ):
        return {"first_answer_s": running.wait_until_it_answers()}


def _measure_version(server: Server, environment: Environment) -> Figures:  # noqa: ARG001 # the same for all servers
    began = time.perf_counter()
    done = subprocess.run(
        [environment.programs / "abeja-runtime", "--version"],
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise LoadError(f"--version ends with exit code {done.returncode}: {done.stderr.strip()}")
    return {"seconds": time.perf_counter() - began}


_FIRST_ANSWER = (Metric(key="first_answer_s", title="s to the first answer", digits=2),)

WORKLOADS = (
    AloneWorkload(
        name="start-cold",
        title="from the start to the first answer, without bytecode",
        job="total",
        metrics=_FIRST_ANSWER,
        measure=_measure_cold,
        rounds=1,
    ),
    AloneWorkload(
        name="start-warm",
        title="from the start to the first answer",
        job="total",
        metrics=_FIRST_ANSWER,
        measure=_measure_warm,
    ),
    AloneWorkload(
        name="version",
        title="`abeja-runtime --version`",
        job="total",
        metrics=(Metric(key="seconds", title="s", digits=3),),
        suits=lambda server: None if server.name == "ours" else "ours only",
        measure=_measure_version,
    ),
)
