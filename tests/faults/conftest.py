"""Servers for the tests of faults: the fixtures of the end-to-end tests."""

from tests.end_to_end.conftest import handlers, shared, start

__all__ = ["handlers", "shared", "start"]
