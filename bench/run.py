"""Goes through the workloads: environments first, then all servers of a job at once, then those that are alone."""

import contextlib
import datetime
import http.client
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import machine, traffic
from bench.environments import Environment, EnvironmentUnavailableError, environment
from bench.interpreters import InterpreterMissingError, interpreter
from bench.load import LoadError, Shape
from bench.results import Participant, Results
from bench.running import Running, StartError, started
from bench.servers import Server
from bench.workload import AloneWorkload, Figures, SharedWorkload, Workload
from bench.workloads import WORKLOADS

# Caches are filled and code is specialised before anything counts.
_WARM_UP = Shape(connections=8, seconds=0.5)
_HELP_TIMEOUT_S = 30
_FAILURES = (LoadError, StartError, OSError, http.client.HTTPException, subprocess.SubprocessError)

Tell = Callable[[str], None]


@dataclass(kw_only=True)
class Run:
    """One run.

    Attributes:
        servers: which to measure.
        workloads: which ones.
        rounds: how often each server is visited in a workload.
        seconds: of each load.
        refresh: make the environments anew.
        tell: takes a line about what is done.
        results: what has been measured so far, also after an end before time.
    """

    servers: Sequence[Server]
    workloads: Sequence[Workload]
    rounds: int
    seconds: float
    refresh: bool
    tell: Tell
    results: Results = field(init=False)
    _environments: dict[str, Environment] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with empty results."""
        self.results = Results(
            date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            machine=machine.facts(),
            client=traffic.client_name(),
            rounds=self.rounds,
            seconds=self.seconds,
        )

    def prepare(self) -> None:
        """Make the environments that are missing."""
        refreshed: set[str] = set()
        for server in self.servers:
            self.tell(f"{server.name}: environment")
            participant = self.results.participants[server.name] = Participant(title=server.title)
            is_first = server.recipe.name not in refreshed
            refreshed.add(server.recipe.name)
            try:
                found = environment(server.recipe, refresh=self.refresh and is_first)
                _check(server, found)
            except EnvironmentUnavailableError as error:
                participant.problem = str(error)
                self.tell(f"{server.name}: {error}")
                continue
            self._environments[server.name] = found
            participant.python = found.python_version
            participant.versions = {
                package: found.versions[package] for package in server.packages if package in found.versions
            }

    def measure(self) -> None:
        """Go through all workloads."""
        shared = [workload for workload in self.workloads if isinstance(workload, SharedWorkload)]
        for job in dict.fromkeys(workload.job for workload in shared):
            self._measure_job(job, [workload for workload in shared if workload.job == job])
        for workload in self.workloads:
            if isinstance(workload, AloneWorkload):
                self._measure_alone(workload)
        order = list(WORKLOADS)
        self.results.workloads = dict(sorted(self.results.workloads.items(), key=lambda item: order.index(item[0])))

    def _measure_job(self, job: str, workloads: Sequence[SharedWorkload]) -> None:
        suited = {workload.name: self._suited(workload) for workload in workloads}
        names = {server.name for servers in suited.values() for server in servers}
        with contextlib.ExitStack() as stack:
            # All at once: then they are waited for.
            starting = [
                stack.enter_context(started(server, self._environments[server.name], job))
                for server in self.servers
                if server.name in names
            ]
            running = {one.server.name: one for one in starting if self._is_up(one, workloads)}
            is_warm = False
            for workload in workloads:
                if workload.warms_up and not is_warm:
                    _warm_up(running.values())
                    is_warm = True
                present = [server for server in suited[workload.name] if server.name in running]
                for number, server in self._visits(workload, present, self.rounds):
                    measure = partial(workload.measure, running[server.name], self.seconds)
                    self._visit(workload, server, number, measure)

    def _is_up(self, one: Running, workloads: Sequence[Workload]) -> bool:
        self.tell(f"{one.server.name}: starting for {one.job.name}")
        try:
            one.wait_until_it_answers()
        except _FAILURES as error:
            for workload in workloads:
                self.results.series(workload.name, one.server.name).problem = str(error)
            self.tell(f"{one.server.name}: {error}")
            return False
        return True

    def _measure_alone(self, workload: AloneWorkload) -> None:
        rounds = min(self.rounds, workload.rounds or self.rounds)
        for number, server in self._visits(workload, self._suited(workload), rounds):
            self._visit(workload, server, number, partial(workload.measure, server, self._environments[server.name]))

    def _suited(self, workload: Workload) -> list[Server]:
        """The servers that are measured; why the others are not is written down."""
        suited = []
        for server in self.servers:
            problem = self._unsuited(workload, server)
            self.results.series(workload.name, server.name).problem = problem
            if problem is None:
                suited.append(server)
        return suited

    def _unsuited(self, workload: Workload, server: Server) -> str | None:
        if server.name not in self._environments:
            return "not measured, see above"
        if workload.job not in server.jobs:
            return server.missing.get(workload.job, "not one of its jobs")
        return workload.suits(server)

    def _visits(self, workload: Workload, servers: Sequence[Server], rounds: int) -> Iterator[tuple[int, Server]]:
        """Round by round, each beginning with another server."""
        for number in range(rounds):
            for index in range(len(servers)):
                server = servers[(index + number) % len(servers)]
                self.tell(f"{workload.name}: round {number + 1} of {rounds}: {server.name}")
                yield number, server

    def _visit(self, workload: Workload, server: Server, number: int, measure: Callable[[], Figures]) -> None:
        series = self.results.series(workload.name, server.name)
        try:
            series.rounds[number] = measure()
        except _FAILURES as error:
            series.problem = f"round {number + 1}: {error}"
            self.tell(f"{server.name}: {error}")


def _warm_up(running: Iterable[Running]) -> None:
    for one in running:
        # If it fails, so does what follows, which says so.
        with contextlib.suppress(*_FAILURES):
            one.load(_WARM_UP)


def _check(server: Server, found: Environment) -> None:
    """Whether a variant is possible on this machine and with this version.

    Raises:
        EnvironmentUnavailableError: it is not.
    """
    if server.program and not shutil.which(server.program):
        raise EnvironmentUnavailableError(f"needs {server.program}, which is not on the PATH and in no package index")
    if server.python:
        try:
            interpreter((server.python,))
        except InterpreterMissingError as error:
            raise EnvironmentUnavailableError(str(error)) from error
    if server.option and server.option not in _output([found.programs / "abeja-runtime", "serve", "--help"]):
        raise EnvironmentUnavailableError(f"this version has no option {server.option}")
    if server.module and not _mentions(found, server.module):
        raise EnvironmentUnavailableError(f"this version does not use {server.module}")


def _output(command: list[str | Path]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_HELP_TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentUnavailableError(f"does not start: {error}") from error


def _mentions(found: Environment, module: str) -> bool:
    sources = found.folder.glob("lib/python*/site-packages/abeja/runtime/**/*.py")
    return any(module in source.read_text(encoding="utf-8") for source in sources)
