"""Colours for a terminal: what is wrong, where, and what to do. Everything else is left as it is."""

import os
import re
from collections.abc import Mapping
from typing import TextIO

_RESET = "\x1b[0m"
_BOLD, _DIM, _RED, _YELLOW, _CYAN = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[33m", "\x1b[36m"

# What a line begins with -> how that part is shown. The first that fits counts.
_STYLES = (
    (re.compile(r"(?:Error|ERROR|CRITICAL)(?=:)"), _RED),
    (re.compile(r"WARNING(?=:)"), _YELLOW),
    (re.compile(r"(?:DEBUG|INFO)(?=:)"), _DIM),
    (re.compile(r" *Hint(?=: )"), _CYAN),
    # The marked line of an excerpt, and its caret.
    (re.compile(r" *> +\d+ \| .*"), _BOLD),
    (re.compile(r" +\| +\^+$"), _RED),
    # Of a traceback: frames of libraries step back, so that the user's own stand out.
    (re.compile(r' +File "[^"]*/(?:site-packages|dist-packages|lib/python3[^"/]*)/[^"]*", line .*'), _DIM),
    (re.compile(r' +File "[^"]+", line .*'), _BOLD),
    # Of a finding.
    (re.compile(r"\S+: error(?=: )|error(?=: )"), _RED),
    (re.compile(r"\S+: warning(?=: )|warning(?=: )"), _YELLOW),
)


def is_wanted(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether `stream` shows colours and nobody has said NO_COLOR (https://no-color.org)."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb" or stream is None:
        return False
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def dressed(text: str) -> str:
    """The text with colours, line by line."""
    return "\n".join(_dressed(line) for line in text.split("\n"))


def _dressed(line: str) -> str:
    for pattern, style in _STYLES:
        match = pattern.match(line)
        if match is not None:
            return f"{style}{match[0]}{_RESET}{line[match.end() :]}"
    return line
