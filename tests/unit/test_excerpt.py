"""The user's own line."""

from pathlib import Path

from abeja.runtime.excerpt import excerpt, excerpt_of_file, excerpt_of_traceback

TEXT = "one\ntwo\n\tthree\nfour\n\nsix\n"


def test_line_is_marked_between_its_neighbours_with_a_caret_below() -> None:
    assert excerpt(TEXT, line=3, column=2) == "  1 | one\n  2 | two\n> 3 |  three\n    |  ^\n  4 | four"


def test_numbers_are_aligned() -> None:
    text = "\n".join(f"line {number}" for number in range(1, 12))

    assert excerpt(text, line=10).splitlines()[1:3] == ["   9 | line 9", "> 10 | line 10"]


def test_end_of_the_text_is_a_line() -> None:
    assert excerpt("[a]\nb = ", line=2, column=5) == "  1 | [a]\n> 2 | b =\n    |     ^"


def test_no_such_line_is_no_excerpt(tmp_path: Path) -> None:
    assert excerpt(TEXT, line=99) == ""
    assert excerpt_of_file(tmp_path / "missing.py", line=1) == ""


def test_of_a_long_line_the_part_around_the_column_is_shown() -> None:
    text = "a" * 5000 + "!" + "b" * 5000

    line, caret = excerpt(text, line=1, column=5001).splitlines()

    assert len(line) < 140
    assert line.endswith(" ...")
    assert line.index("!") == caret.index("^")


def test_of_a_traceback_the_last_line_of_the_own_folder_is_shown(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import library\nlibrary.fail()\n")
    traceback = (
        "Traceback (most recent call last):\n"
        f'  File "{tmp_path}/main.py", line 2, in <module>\n    library.fail()\n'
        '  File "/usr/lib/python3/library.py", line 9, in fail\n    raise ValueError()\n'
        '  File "<string>", line 1, in <module>\n'
        f'  File "{tmp_path}/venv/lib/site-packages/x.py", line 1, in x\nValueError\n'
    )

    assert excerpt_of_traceback(traceback, folder=tmp_path) == "main.py:2\n  1 | import library\n> 2 | library.fail()"
    assert excerpt_of_traceback("ValueError\n", folder=tmp_path) == ""
