"""The Pythons of this machine that a worker half is tried on."""

from collections.abc import Iterator
from functools import cache

from abeja.runtime.prepare.interpreters import Interpreter, discover, dotted, server_interpreter

_OLDEST = (3, 6)


@cache
def pythons() -> tuple[Interpreter, ...]:
    """One of each minor version, the oldest first; this process's own stands for its version."""
    return tuple(sorted(_of_each_minor(), key=lambda python: python.minor))


def oldest() -> Interpreter | None:
    """A Python 3.6, if there is one."""
    return next((python for python in pythons() if python.minor == _OLDEST), None)


def label(python: Interpreter) -> str:
    """Its name in the id of a test, such as ``3.6``."""
    return dotted(python.minor)


def _of_each_minor() -> Iterator[Interpreter]:
    seen = set()
    for python in (server_interpreter(), *discover()):
        if python.minor not in seen and python.runs:
            seen.add(python.minor)
            yield python
