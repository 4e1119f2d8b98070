"""Every recorded pair against the original itself, so that the recording stays honest."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from compat import original
from compat.outcomes import Outcome
from compat.plays import Plays
from compat.vectors import Vector, vectors_19_04

pytestmark = pytest.mark.timeout(300)  # the first run on a machine installs the original


@pytest.fixture(scope="module")
def plays(selected: list[dict[str, Any]], original_environment: Path) -> Iterator[Plays[list[Outcome]]]:
    pairs = [params["vector"].pair for params in selected]
    with Plays((pair.name, partial(original.play, pair, environment=original_environment)) for pair in pairs) as plays:
        yield plays


@pytest.mark.parametrize("vector", vectors_19_04(), ids=str)
def test_original_answers_as_recorded(vector: Vector, plays: Plays[list[Outcome]]) -> None:
    assert plays[vector.pair.name] == [vector.observed]
