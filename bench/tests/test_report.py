from pathlib import Path

from bench.report import ratios, report, table
from bench.results import Participant, Results, Series, read
from bench.workloads import WORKLOADS


def _results() -> Results:
    return Results(
        date="2020-01-01 00:00 UTC",
        machine={"processor": "p", "cores": "2", "memory": "1 GiB", "system": "s", "python": "3.11"},
        client="wrk",
        rounds=2,
        seconds=1.0,
        participants={
            "ours": Participant(title="ours", python="3.11.7", versions={"abeja-runtime": "1"}),
            "fastapi": Participant(title="it", python="3.11.7"),
            "kserve": Participant(title="another", problem="cannot be installed: no wheel"),
        },
        workloads={
            "json-c1": {
                "ours": Series(rounds={0: {"per_s": 100.0}, 1: {"per_s": 300.0}}),
                "fastapi": Series(rounds={0: {"per_s": 200.0, "errors": 7}, 1: {"per_s": 400.0}}),
                "kserve": Series(problem="not measured, see above"),
            }
        },
    )


def test_the_machine_is_described_as_far_as_it_is_known() -> None:
    known, older = _results(), _results()
    known.machine["round trip"] = "46 us"

    assert "2 cores, 1 GiB, s, two processes wake each other in 46 us; client: wrk" in report(known, WORKLOADS)
    assert "2 cores, 1 GiB, s; client: wrk" in report(older, WORKLOADS)


def test_ratios_are_taken_within_a_round() -> None:
    ours = Series(rounds={0: {"x": 1.0}, 1: {"x": 9.0}})
    other = Series(rounds={0: {"x": 2.0}, 1: {"x": 3.0}, 2: {"x": 1.0}})

    assert ratios(ours, other, "x") == [0.5, 3.0]


def test_ratios_leave_out_what_is_nothing() -> None:
    assert ratios(Series(rounds={0: {"x": 1.0}}), Series(rounds={0: {"x": 0.0}}), "x") == []


def test_report_has_medians_and_ratios_with_their_range() -> None:
    text = report(_results(), WORKLOADS)

    (row,) = (line for line in text.splitlines() if line.startswith("| fastapi"))
    assert [cell.strip() for cell in row.split("|")][2:4] == ["300", "0.62 (0.50-0.75)"]


def test_report_says_what_is_missing_or_failed() -> None:
    text = report(_results(), WORKLOADS)

    assert "- kserve: another - **not measured**: cannot be installed: no wheel" in text
    assert "- kserve: not measured, see above" in text
    assert "- fastapi: 7 requests failed" in text


def test_results_are_read_as_they_were_saved(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    _results().save(path)

    assert read(path) == _results()


def test_table_is_markdown() -> None:
    assert table([("a|b", "c"), ("d", "100")]).splitlines() == ["| a/b |   c |", "| --- | --: |", "| d   | 100 |"]
