"""Shows the user's own line: where something is wrong, with the lines around it and a caret."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# Lines above and below the one that is meant.
_AROUND = 2
# A line may be a whole document; of a long one, the part around the column is shown.
_WIDTH = 120
# Beyond this a file is no text that somebody writes.
_LARGEST_BYTES = 4 * 1024 * 1024

# As `json` and `tomllib` say it.
_POSITION = re.compile(r"line (\d+),? column (\d+)")
_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w\"'-]+)\s*[.=]")
_FRAME = re.compile(r'^ *File "(.+?)", line (\d+)', re.MULTILINE)


def excerpt(text: str, *, line: int, column: int = 0, around: int = _AROUND) -> str:
    """The line with its neighbours, numbered and marked; empty if the text has no such line.

    Args:
        text: the whole file.
        line: its number, from 1.
        column: of the character that a caret points at, from 1; 0 for none.
        around: how many lines above and below are shown too.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    if not text or not 1 <= line <= len(lines):
        return ""
    first, last = max(line - around, 1), min(line + around, len(lines))
    # Empty lines at the edges say nothing.
    while first < line and not lines[first - 1].strip():
        first += 1
    while last > line and not lines[last - 1].strip():
        last -= 1
    cut = max(column - _WIDTH // 2, 0) if len(lines[line - 1]) > _WIDTH else 0
    return "\n".join(_marked(lines, first, last, line=line, column=column, cut=cut))


def excerpt_of_file(path: Path, *, line: int, column: int = 0, around: int = _AROUND) -> str:
    """The same of a file; empty if it cannot be read."""
    return excerpt(_text_of(path), line=line, column=column, around=around)


def excerpt_of_syntax_error(path: Path, error: Exception) -> str:
    """Where a file is not what its format says, under the file's name; empty if the error does not tell.

    Args:
        path: the file.
        error: of `json` or `tomllib`, whose messages end in line and column.
    """
    text, message = _text_of(path), str(error)
    match = _POSITION.search(message)
    if match is not None:
        line, column = int(match[1]), int(match[2])
    elif "end of document" in message:
        lines = text.splitlines()
        line, column = len(lines), len(lines[-1]) + 1 if lines else 0
    else:
        return ""
    return _named(path.name, line, excerpt(text, line=line, column=column))


def excerpt_of_key(path: Path, section: str, name: str = "") -> str:
    """Where a TOML file gives a key, under the file's name; empty if that is not found.

    Args:
        path: the file.
        section: the table, such as ``server`` or ``tool.abeja-runtime.server``.
        name: the key in it; empty for the table itself.
    """
    inside = False
    text = _text_of(path)
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header is not None:
            inside = _plain(header[1]) == section
        is_meant = inside and (header is not None if not name else key is not None and _plain(key[1]) == name)
        if is_meant:
            return _named(path.name, number, excerpt(text, line=number, around=1))
    return ""


def excerpt_of_quotation(paths: Iterable[Path], message: str) -> str:
    """The longest line of the files that a tool's message quotes, under the file's name; empty if it quotes none."""
    best = (0, "")
    for path in paths:
        text = _text_of(path) if path.is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            said = line.partition(" #")[0].strip()
            if len(said) > max(best[0], 2) and said in message and not said.startswith("#"):
                best = (len(said), _named(path.name, number, excerpt(text, line=number, around=1)))
    return best[1]


def excerpt_of_traceback(traceback: str, *, folder: Path) -> str:
    """The line in a file of `folder` that was reached last, under its name; empty if none was.

    A traceback often ends in the code of a library. What the user can change is what called it.
    """
    for path, number in reversed(_FRAME.findall(traceback)):
        # Also what is no file, such as the code that numpy and namedtuple make: <string>.
        file, line = folder / path, int(number)
        if file.is_relative_to(folder) and "site-packages" not in file.parts and file.is_file():
            return _named(str(file.relative_to(folder)), line, excerpt_of_file(file, line=line))
    return ""


def _named(name: str, line: int, shown: str) -> str:
    return f"{name}:{line}\n{shown}" if shown else ""


def _text_of(path: Path) -> str:
    try:
        is_text = path.stat().st_size <= _LARGEST_BYTES
        return path.read_text(encoding="utf-8-sig", errors="replace") if is_text else ""
    except OSError:
        return ""


def _plain(key: str) -> str:
    """A key of TOML without its quotes."""
    return re.sub(r"[\"'\s]", "", key)


def _marked(lines: list[str], first: int, last: int, *, line: int, column: int, cut: int) -> Iterator[str]:
    width = len(str(last))
    for number in range(first, last + 1):
        # A tab is one column, as it is counted by those who name columns.
        text = lines[number - 1].replace("\t", " ")
        rest = " ..." if len(text) > cut + _WIDTH else ""
        yield f"{'>' if number == line else ' '} {number:{width}} | {text[cut : cut + _WIDTH]}{rest}".rstrip()
        if number == line and column:
            yield f"  {' ' * width} | {' ' * (column - 1 - cut)}^"
