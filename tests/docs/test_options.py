"""docs/reference/configuration.md lists every option as the program has it."""

import re
from pathlib import Path

import attrs
import pytest

from abeja.runtime import values
from abeja.runtime.options import Options, Row, rows

COLUMNS = ["flag", "variable", "key", "default", "meaning"]
NUMBERS = (values.count, values.count_from_zero, values.port, values.seconds, values.size)
# Defaults that no option value spells.
WORDS: dict[str, tuple[object, ...]] = {"none": (None, (), {}), "the current folder": (Path(),)}


@pytest.fixture
def table(repository: Path) -> list[dict[str, str]]:
    """The rows of the page's table of options."""
    text = (repository / "docs/reference/configuration.md").read_text()
    (body,) = re.findall(r"^\| Flag \|.*\n\|[ -|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines()]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def test_table_has_every_option_in_the_order_of_the_help(table: list[dict[str, str]]) -> None:
    described = [(row["flag"], row["variable"], row["key"], row["meaning"]) for row in table]

    assert described == [
        (", ".join(f"`{flag}`" for flag in row.flags), f"`{row.variable}`", f"`{row.key}`" if row.key else "", row.help)
        for row in rows().values()
    ]


def test_table_has_the_default_of_every_option(table: list[dict[str, str]]) -> None:
    defaults = attrs.asdict(Options(), recurse=False).values()
    described = [_value(text["default"], row) for text, row in zip(table, rows().values(), strict=True)]

    assert all(default in allowed for default, allowed in zip(defaults, described, strict=True))


def test_units_are_those_of_the_options(repository: Path) -> None:
    text = (repository / "docs/reference/configuration.md").read_text()
    (body,) = re.findall(r"^\| Value \| Unit \|.*\n\|[ -|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [line.strip("|").split(" | ") for line in body.splitlines()]
    described = {value.strip(" `"): re.findall(r"`([^`]+)`", options) for value, _, options in cells}
    flags = {value: [row.flags[-1] for row in rows().values() if row.metavar == value] for value in described}

    assert described == flags
    assert {row.metavar for row in rows().values() if row.parse in NUMBERS} == set(described)


def _value(text: str, row: Row) -> tuple[object, ...]:
    """The values that the table's text may stand for."""
    return WORDS[text] if text in WORDS else (row.parse(text.strip("`")),)
