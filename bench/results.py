"""What came of a run, as it is kept in JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.workload import Figures


@dataclass(kw_only=True)
class Series:
    """What one server did in one workload.

    Attributes:
        rounds: the figures by round; a round that failed is missing.
        problem: why there are none, or fewer.
    """

    rounds: dict[int, Figures] = field(default_factory=dict)
    problem: str | None = None


@dataclass(kw_only=True)
class Participant:
    """A server of a run.

    Attributes:
        title: what it is.
        python: of its environment; None if it has none.
        versions: of the packages that matter.
        problem: why it was not measured at all.
    """

    title: str
    python: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(kw_only=True)
class Results:
    """A whole run.

    Attributes:
        date: of its start, with the time, in UTC.
        machine: see `bench.machine`.
        client: which one made the load.
        rounds: how many were asked for.
        seconds: of each load.
        participants: all servers that were asked for, by name.
        workloads: by name, then by the name of the server.
    """

    date: str
    machine: dict[str, str]
    client: str
    rounds: int
    seconds: float
    participants: dict[str, Participant] = field(default_factory=dict)
    workloads: dict[str, dict[str, Series]] = field(default_factory=dict)

    def series(self, workload: str, server: str) -> Series:
        """That of a server in a workload; made if there is none yet."""
        return self.workloads.setdefault(workload, {}).setdefault(server, Series())

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    """What `Results.save` has written."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    participants = {name: Participant(**participant) for name, participant in facts.pop("participants").items()}
    workloads = {
        workload: {
            server: Series(
                rounds={int(number): figures for number, figures in series["rounds"].items()}, problem=series["problem"]
            )
            for server, series in all_series.items()
        }
        for workload, all_series in facts.pop("workloads").items()
    }
    return Results(**facts, participants=participants, workloads=workloads)
