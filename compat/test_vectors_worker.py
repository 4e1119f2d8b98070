"""Every recorded pair against our worker, on each interpreter of COMPAT_PYTHONS."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import pytest

from compat import expected, worker_socket
from compat.outcomes import Failure, Outcome
from compat.plays import Plays
from compat.vectors import Vector, Verdict, vectors_19_04

VECTORS = vectors_19_04()
# Paths of interpreters, separated as in PATH.
PYTHONS = os.environ.get("COMPAT_PYTHONS", sys.executable).split(os.pathsep)


@cache
def has_numpy(python: str) -> bool:
    check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('numpy') is None)"
    return subprocess.run([python, "-c", check], check=False).returncode == 0


def can_play(python: str, vector: Vector) -> bool:
    return not vector.pair.needs_numpy or has_numpy(python)


@pytest.fixture(scope="module")
def plays(selected: list[dict[str, Any]]) -> Iterator[Plays[list[Outcome]]]:
    jobs = (
        ((python, vector.pair.name), partial(worker_socket.play, vector.pair, python=python))
        for python, vector in ((params["python"], params["vector"]) for params in selected)
        if can_play(python, vector)
    )
    with Plays(jobs) as plays:
        yield plays


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_worker_answers_as_recorded(vector: Vector, python: str, plays: Plays[list[Outcome]]) -> None:
    if not can_play(python, vector):
        pytest.skip(f"the handler imports numpy, which {python} does not have")
    [outcome] = plays[python, vector.pair.name]
    wanted = expected.of_worker(vector)
    if wanted is None:
        assert isinstance(outcome, Failure)
    else:
        assert outcome == wanted


def test_every_deviation_from_the_recording_has_its_row() -> None:
    names = {verdict: {v.pair.name for v in VECTORS if v.verdict is verdict} for verdict in Verdict}
    assert names[Verdict.FIXED] == set(expected.FIXED)
    assert names[Verdict.REFUSED] == set(expected.SENSIBLE)
