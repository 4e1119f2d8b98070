"""The report: percentiles, and what a terminal is shown."""

import pytest

from abeja.runtime.batch.report import Latencies, Tally, shown, text_of


def test_percentiles_are_right_to_one_percent() -> None:
    latencies = Latencies()
    for number in range(1, 1001):
        latencies.add(number / 1000)

    assert latencies.percentile_s(50) == pytest.approx(0.5, rel=0.01)
    assert latencies.percentile_s(90) == pytest.approx(0.9, rel=0.01)
    assert latencies.percentile_s(99) == pytest.approx(0.99, rel=0.01)
    assert latencies.report_ms()["max"] == 1000


def test_report_of_nothing_has_no_latencies() -> None:
    assert set(Latencies().report_ms().values()) == {0}


def test_first_failures_are_the_first_by_their_place() -> None:
    tally = Tally()
    for number in (*range(50, 20, -1), *range(20)):
        tally.add(number=number, name=str(number), status=500, time_s=0, error="why", is_earlier=False)

    report = tally.report(ending="complete")

    assert [failure["input"] for failure in report["first_failures"]] == [str(number) for number in range(10)]
    assert "first 10 failures:\n  0: 500 why\n" in text_of(report)


@pytest.mark.parametrize(("total", "expected"), [(1, "1 input done in "), (3, "1 of 3 inputs done in ")])
def test_report_speaks_of_one_input_in_the_singular(total: int, expected: str) -> None:
    tally = Tally()
    tally.total = total
    tally.add(number=0, name="a", status=200, time_s=0, error="", is_earlier=False)

    assert text_of(tally.report(ending="complete")).startswith(expected)


def test_why_an_input_failed_moves_nothing_on_the_terminal() -> None:
    tally = Tally()
    tally.add(number=0, name="a", status=400, time_s=0, error="no \x1b[2J\x07 cat", is_earlier=False)

    assert text_of(tally.report(ending="complete")).endswith("  a: 400 no \\u001b[2J\\u0007 cat")


@pytest.mark.parametrize(
    ("name", "expected"), [("猫.png", "猫.png"), ("a\x1b[31m\n", "a\\u001b[31m\\n"), ("\udcff", "\\udcff")]
)
def test_names_do_nothing_to_a_terminal(name: str, expected: str) -> None:
    assert shown(name) == expected
