"""JSON Lines as input: one request a line, blank lines left out."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from abeja.runtime.errors import InputInvalidError

_SUFFIXES = (".jsonl", ".ndjson")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_READ_BYTES = 64 * 1024
# How often a wait for stdin looks whether the run was stopped.
_LOOK_S = 0.2


def is_json_lines(name: str) -> bool:
    """Whether a file of this name has a request on each line."""
    return name.lower().endswith(_SUFFIXES)


def lines_of_file(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1.

    Raises:
        InputInvalidError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from _numbered(file)
    except OSError as error:
        raise InputInvalidError(f"the input {path} cannot be read: {error.strerror}.") from error


def lines_of_stdin(is_stopped: Callable[[], bool]) -> Iterator[tuple[int, bytes] | None]:
    """The lines of stdin, each as soon as it is there; None whenever nothing is.

    Args:
        is_stopped: asked while nothing comes; the lines end when it says so.

    Raises:
        InputInvalidError: there is no stdin.
    """
    if sys.stdin is None:
        raise InputInvalidError("stdin is closed.", hint="--input - reads requests from it, one a line.")
    number = 0
    for line in _as_they_come(sys.stdin.fileno(), is_stopped):
        if line is None:
            yield None
            continue
        number += 1
        yield from _numbered((line,), number)


def _as_they_come(handle: int, is_stopped: Callable[[], bool]) -> Iterator[bytes | None]:
    begun: list[bytes] = []
    while True:
        if not select.select((handle,), (), (), 0)[0]:
            yield None
            while not select.select((handle,), (), (), _LOOK_S)[0]:
                if is_stopped():
                    return
        data = os.read(handle, _READ_BYTES)
        if not data:
            break
        *lines, rest = data.split(b"\n")
        for line in lines:
            yield b"".join((*begun, line))
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


def _numbered(lines: Iterator[bytes] | tuple[bytes, ...], first: int = 1) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, first):
        text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        if stripped := text.strip():
            yield number, stripped
