"""The bar and the lines: what they say, and that they fit."""

import io
import re

import pytest

from abeja.runtime.batch.bar import Bar
from abeja.runtime.batch.display import display_of, plain_line
from abeja.runtime.batch.duration import clock
from abeja.runtime.batch.progress import Standing
from abeja.runtime.batch.report import Tally


def standing(*, done: int, failed: int = 0, total: int | None = 100) -> Standing:
    """A run that is so far."""
    tally = Tally()
    tally.total = total
    for number in range(done):
        error = "why" if number < failed else ""
        tally.add(number=number, name=str(number), status=200, time_s=0.1, error=error, is_earlier=False)
    return Standing(tally)


@pytest.fixture
def bar() -> Bar:
    """One without colours, on a terminal that can write everything."""
    return Bar(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), is_coloured=False)


def test_bar_is_as_long_as_the_share_that_is_done(bar: Bar) -> None:
    line = bar.line(standing(done=25, failed=3), columns=120)

    assert line.count("━") == 10
    assert line.count("─") == 30
    assert " 25/100  25 %" in line
    assert "  3 failed" in line


@pytest.mark.parametrize("columns", range(1, 130, 8))
def test_bar_fits_the_terminal(bar: Bar, columns: int) -> None:
    now = standing(done=99_999, failed=12, total=123_456)
    now.begin("a-name-that-is-longer-than-most-terminals-" * 4)

    assert len(bar.line(now, columns=columns)) < max(columns, 2)


def test_terminal_without_these_characters_gets_others() -> None:
    bar = Bar(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), is_coloured=False)

    assert "##########------------------------------" in bar.line(standing(done=25), columns=120)


@pytest.mark.parametrize(("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_left_out_if_they_are_not_wanted(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, is_coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()

    display_of("tty", stream).show(standing(done=25, failed=3))

    assert ("\x1b[32m" in stream.getvalue()) == is_coloured
    assert ("\x1b[31m" in stream.getvalue()) == is_coloured


@pytest.mark.parametrize("kind", ["auto", "plain", "json", "none"])
def test_without_a_terminal_nothing_moves_the_cursor(kind: str) -> None:
    stream = io.StringIO()

    display_of(kind, stream).show(standing(done=25))

    assert "\r" not in stream.getvalue()
    assert stream.getvalue().count("\n") == (kind != "none")


def test_results_of_a_streamed_answer_are_shown(bar: Bar) -> None:
    now = standing(done=0)
    now.begin("cat.mp4")
    for piece in (b'{"frame": 0}', b'\n{"frame": 1}', b'\n{"frame": 2}'):
        now.came("cat.mp4", piece)

    assert bar.line(now, columns=120).endswith("  cat.mp4: 3 results")
    assert "3 results of 'cat.mp4'" in plain_line(now)
    now.end("cat.mp4")
    assert "cat.mp4" not in bar.line(now, columns=120)


def test_lines_do_without_what_is_not_known() -> None:
    assert re.fullmatch(r"run: 3 done, 1 failed, 0\.0/s", plain_line(standing(done=3, failed=1, total=None)))


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (69.6, "1:10"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
