"""Shows the user's own line: where something is wrong, with the lines around it and a caret."""

import re
from collections.abc import Iterator
from pathlib import Path

# Lines above and below the one that is meant.
_AROUND = 2
# A line may be a whole document; of a long one, the part around the column is shown.
_WIDTH = 100
# Beyond this a file is no text that somebody writes.
_LARGEST_BYTES = 4 * 1024 * 1024

_FRAME = re.compile(r'^ *File "(.+?)", line (\d+)', re.MULTILINE)


def excerpt(text: str, *, line: int, column: int = 0) -> str:
    """The line with its neighbours, numbered and marked; empty if the text has no such line.

    Args:
        text: the whole file.
        line: its number, from 1.
        column: of the character that a caret points at, from 1; 0 for none.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    if not 1 <= line <= len(lines):
        return ""
    first, last = max(line - _AROUND, 1), min(line + _AROUND, len(lines))
    # Empty lines at the edges say nothing.
    while first < line and not lines[first - 1].strip():
        first += 1
    while last > line and not lines[last - 1].strip():
        last -= 1
    cut = max(column - _WIDTH // 2, 0) if len(lines[line - 1]) > _WIDTH else 0
    return "\n".join(_marked(lines, first, last, line=line, column=column, cut=cut))


def excerpt_of_file(path: Path, *, line: int, column: int = 0) -> str:
    """The same of a file; empty if it cannot be read."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return ""
        return excerpt(path.read_text(encoding="utf-8", errors="replace"), line=line, column=column)
    except OSError:
        return ""


def excerpt_of_traceback(traceback: str, *, folder: Path) -> str:
    """The line in a file of `folder` that was reached last, under its name; empty if none was.

    A traceback often ends in the code of a library. What the user can change is what called it.
    """
    for path, number in reversed(_FRAME.findall(traceback)):
        file, line = folder / path, int(number)
        if file.is_relative_to(folder) and "site-packages" not in file.parts:
            shown = excerpt_of_file(file, line=line)
            return f"{file.relative_to(folder)}:{line}\n{shown}" if shown else ""
    return ""


def _marked(lines: list[str], first: int, last: int, *, line: int, column: int, cut: int) -> Iterator[str]:
    width = len(str(last))
    for number in range(first, last + 1):
        # A tab is one column, as it is counted by those who name columns.
        shown = lines[number - 1].replace("\t", " ")[cut : cut + _WIDTH]
        yield f"{'>' if number == line else ' '} {number:{width}} | {shown}".rstrip()
        if number == line and column:
            yield f"  {' ' * width} | {' ' * (column - 1 - cut)}^"
