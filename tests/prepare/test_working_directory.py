"""The folder that `.abeja` marks."""

from pathlib import Path

import pytest

from abeja.runtime.prepare.working_directory import working_directory


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ([], "."),
        ([".abeja"], "."),
        (["a/b/.abeja"], "a/b"),
        (["a/b/c/.abeja"], "a/b/c"),
        (["a/b/c/d/.abeja"], "."),
        (["a/b/.abeja", "c/.abeja"], "c"),
    ],
)
def test_the_nearest_mark_down_to_three_levels_counts(tmp_path: Path, marks: list[str], found: str) -> None:
    for mark in marks:
        (tmp_path / mark).mkdir(parents=True)

    assert working_directory(tmp_path) == tmp_path / found


def test_a_file_of_that_name_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".abeja").touch()

    assert working_directory(tmp_path) == tmp_path
