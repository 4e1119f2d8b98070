"""What a workload is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.environments import Environment
from bench.running import Running
from bench.servers import Server

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One column of a table.

    Attributes:
        key: in the JSON.
        title: in the table, with its unit.
        better: which values are; None for figures that are no result, such as a number of processes.
        digits: behind the point.
    """

    key: str
    title: str
    better: Literal["higher", "lower"] | None = "lower"
    digits: int = 1


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something that is measured, one server after the other.

    Attributes:
        name: as in ``--only``.
        title: what it is.
        job: what the servers do.
        metrics: what comes of it; the first is what counts. The figures may lack some; a figure ``errors`` is shown
            when it is not zero.
        suits: why a server is not measured; None if it is.
    """

    name: str
    title: str
    job: str
    metrics: tuple[Metric, ...]
    suits: Callable[[Server], str | None] = lambda _server: None


@dataclass(frozen=True, kw_only=True)
class SharedWorkload(Workload):
    """One for which all servers are up at once and visited in turn.

    Attributes:
        measure: takes a server that answers, and the seconds to spend.
        warms_up: whether the servers have to have answered many requests before.
    """

    measure: Callable[[Running, float], Figures]
    warms_up: bool = False


@dataclass(frozen=True, kw_only=True)
class AloneWorkload(Workload):
    """One for which no other server is up.

    Attributes:
        measure: starts what it needs.
        rounds: the most that are worth the time; None for as many as were asked for.
    """

    measure: Callable[[Server, Environment], Figures]
    rounds: int | None = None
