"""The Pythons that handlers need here."""

import pytest

from abeja.runtime.prepare.interpreters import discover, dotted


def is_here(version: str) -> bool:
    """Whether this machine has a Python of a version such as 3.6 that runs."""
    return any(dotted(interpreter.minor) == version and interpreter.runs for interpreter in discover())


def require(version: str) -> None:
    """Skip the test unless `is_here`."""
    if not is_here(version):
        pytest.skip(f"Python {version} is not on this machine")
