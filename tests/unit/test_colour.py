"""Colours on a terminal."""

import io

import pytest

from abeja.runtime.colour import dressed, is_wanted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colours_unless_somebody_says_no(environ: dict[str, str], *, expected: bool) -> None:
    assert is_wanted(Terminal(), environ) is expected


def test_pipes_and_closed_streams_have_none() -> None:
    closed = io.StringIO()
    closed.close()

    assert not is_wanted(io.StringIO(), {})
    assert not is_wanted(closed, {})
    assert not is_wanted(None, {})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Error: option-invalid: no", "\x1b[1;31mError\x1b[0m: option-invalid: no"),
        ("INFO: ready", "\x1b[2mINFO\x1b[0m: ready"),
        ("Hint: try", "\x1b[36mHint\x1b[0m: try"),
        ("> 3 | RATE", "\x1b[1m> 3 | RATE\x1b[0m"),
        ("  3 | RATE", "  3 | RATE"),
        ("    |    ^", "\x1b[1;31m    |    ^\x1b[0m"),
        ('  File "/m/main.py", line 3, in f', '\x1b[1m  File "/m/main.py", line 3, in f\x1b[0m'),
        (
            '  File "/v/lib/python3.6/json.py", line 3, in f',
            '\x1b[2m  File "/v/lib/python3.6/json.py", line 3, in f\x1b[0m',
        ),
        ("main.py:3: error: syntax-invalid", "\x1b[1;31mmain.py:3: error\x1b[0m: syntax-invalid"),
        ("an Error: inside", "an Error: inside"),
    ],
)
def test_parts_of_lines_are_dressed(line: str, expected: str) -> None:
    assert dressed(f"before\n{line}\n") == f"before\n{expected}\n"
