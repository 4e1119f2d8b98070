"""Servers with two fronts."""

import pytest

from tests.end_to_end.conftest import handlers, shared, start

__all__ = ["handlers", "shared", "start"]


@pytest.fixture(scope="session")
def environ(environ: dict[str, str]) -> dict[str, str]:
    """With two fronts, unless a test asks for another number."""
    return {**environ, "ABEJA_RUNTIME_FRONTS": "2"}


@pytest.fixture(scope="module")
def http() -> str:
    """What reads HTTP."""
    return "llhttp"
