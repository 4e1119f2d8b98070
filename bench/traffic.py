"""Sends many requests for a span of time: with wrk where it is installed, else with a client of ours."""

import shutil
from functools import cache

from bench import client, wrk
from bench.exchange import Request
from bench.load import Load, LoadError, Shape


def load(request: Request, shape: Shape) -> Load:
    """Send a request again and again.

    Raises:
        LoadError: nothing was answered.
    """
    program = _wrk()
    done = wrk.load(program, request, shape) if program else client.load(request, shape)
    if not done.requests:
        raise LoadError(f"no answer in {shape.seconds:g} s, {done.errors} errors")
    return done


def client_name() -> str:
    """Which client makes the load."""
    return "wrk" if _wrk() else "bench/client.py (wrk is not installed)"


@cache
def _wrk() -> str | None:
    return shutil.which("wrk")
