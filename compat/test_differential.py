"""Pairs that nobody recorded: the original and our worker play them in one run."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from compat import original, worker_socket
from compat.more import pairs_19_04
from compat.more.deliberate import DELIBERATE
from compat.outcomes import Answer, Outcome
from compat.pairs import Pair
from compat.plays import Plays

pytestmark = pytest.mark.timeout(300)  # the first run on a machine installs the original

PAIRS = pairs_19_04()


def is_well_formed(outcome: Outcome) -> bool:
    """Whether the original's proxy made an HTTP answer of it."""
    return isinstance(outcome, Answer) and type(outcome.status) is int and 100 <= outcome.status <= 999


@pytest.fixture(scope="module")
def plays(selected: list[dict[str, Any]], original_environment: Path) -> Iterator[Plays[list[Outcome]]]:
    pairs = [params["pair"] for params in selected]
    theirs = ((("original", p.name), partial(original.play, p, environment=original_environment)) for p in pairs)
    # On the original's interpreter, whose messages and whose numpy some handlers show.
    python = str(original_environment / "bin" / "python")
    ours = ((("ours", p.name), partial(worker_socket.play, p, python=python)) for p in pairs)
    with Plays(job for both in zip(theirs, ours, strict=True) for job in both) as plays:
        yield plays


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_worker_answers_as_the_original_wherever_that_answered(pair: Pair, plays: Plays[list[Outcome]]) -> None:
    theirs, ours = plays["original", pair.name], plays["ours", pair.name]
    assert len(theirs) == len(ours)
    answered = [(their, our) for their, our in zip(theirs, ours, strict=True) if is_well_formed(their)]
    difference = DELIBERATE.get(pair.name)
    if difference is None:
        assert [our for _, our in answered] == [their for their, _ in answered]
    else:
        *before, (their, our) = answered
        assert all(their == our for their, our in before)
        assert isinstance(their, Answer)
        assert their.body != difference.body, "there is no difference any more"
        assert our == attrs.evolve(their, body=difference.body), difference.reason


def test_every_deliberate_difference_is_of_a_pair() -> None:
    assert set(DELIBERATE) <= {pair.name for pair in PAIRS}


def test_names_of_pairs_are_unique() -> None:
    names = [pair.name for pair in PAIRS]
    assert len(set(names)) == len(names)
