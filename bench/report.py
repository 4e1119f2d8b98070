"""The tables, in Markdown: one for each workload, with what ours is in relation to each server."""

import statistics
from collections.abc import Iterator, Mapping

from bench.results import Participant, Results, Series
from bench.servers import REFERENCE
from bench.workload import Metric, Workload

_RATIO = {"higher": "ours/it, more is better", "lower": "ours/it, less is better"}


def report(results: Results, workloads: Mapping[str, Workload]) -> str:
    """All tables, ready for a Markdown page."""
    blocks = [_head(results), _participants(results)]
    blocks += [
        _workload(workloads[name], all_series) for name, all_series in results.workloads.items() if name in workloads
    ]
    return "\n\n".join(blocks)


def ratios(ours: Series, other: Series, key: str) -> list[float]:
    """Ours divided by the other, for each round in which both have been measured: noise of a round hits both."""
    return [
        ours.rounds[number][key] / figures[key]
        for number, figures in sorted(other.rounds.items())
        if number in ours.rounds and key in ours.rounds[number] and figures.get(key)
    ]


def table(rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; the first row is its head, the first column is text."""
    # Bars within a cell would begin another.
    cells = [[text.replace("|", "/").replace("\n", " ") for text in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *(map(str.rjust, row[1:], widths[1:]))]) + " |" for row in cells
    ]
    rule = "| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _head(results: Results) -> str:
    machine = results.machine
    known = [
        machine["processor"],
        f"{machine['cores']} cores",
        machine["memory"],
        machine["system"],
        # Reports of earlier versions do not tell.
        *([f"two processes wake each other in {machine['round trip']}"] if "round trip" in machine else []),
    ]
    return (
        f"{results.date}, {', '.join(known)}; "
        f"client: {results.client}; rounds: {results.rounds}, {results.seconds:g} s each."
    )


def _participants(results: Results) -> str:
    return "\n".join(_participant(name, participant) for name, participant in results.participants.items())


def _participant(name: str, participant: Participant) -> str:
    versions = [f"Python {participant.python}"] if participant.python else []
    versions += [f"{package} {version}" for package, version in participant.versions.items()]
    facts = f" ({', '.join(versions)})" if versions else ""
    problem = f" - **not measured**: {participant.problem}" if participant.problem else ""
    return f"- {name}: {participant.title}{facts}{problem}"


def _workload(workload: Workload, all_series: Mapping[str, Series]) -> str:
    ours = all_series.get(REFERENCE, Series())
    rows: list[tuple[str, ...]] = [tuple(_titles(workload.metrics))]
    notes = []
    for name, series in all_series.items():
        if series.problem:
            notes.append(f"- {name}: {series.problem}")
        if series.rounds:
            rows.append((name, *_cells(workload.metrics, series, ours)))
        errors = sum(figures.get("errors", 0) for figures in series.rounds.values())
        if errors:
            notes.append(f"- {name}: {errors:.0f} requests failed; its figures do not compare")
    parts = [f"### {workload.name}: {workload.title}"]
    if len(rows) > 1:
        parts.append(table(rows))
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts)


def _titles(metrics: tuple[Metric, ...]) -> Iterator[str]:
    yield "server"
    for metric in metrics:
        yield metric.title
        if metric.better is not None:
            yield _RATIO[metric.better]


def _cells(metrics: tuple[Metric, ...], series: Series, ours: Series) -> Iterator[str]:
    for metric in metrics:
        values = [figures[metric.key] for figures in series.rounds.values() if metric.key in figures]
        yield f"{statistics.median(values):.{metric.digits}f}" if values else "-"
        if metric.better is not None:
            found = ratios(ours, series, metric.key)
            yield _ratio(found) if found else "-"


def _ratio(found: list[float]) -> str:
    """The median, and the range if there is one: where it reaches across 1, nothing is shown."""
    middle, low, high = (_rounded(ratio) for ratio in (statistics.median(found), min(found), max(found)))
    return middle if low == high else f"{middle} ({low}-{high})"


def _rounded(ratio: float) -> str:
    """Two digits that count, also of small ones."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
