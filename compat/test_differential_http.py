"""Replies over HTTP: what our server makes of status codes, metadata and content types that the original answered."""

import http
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from compat import original, server
from compat.more import replies
from compat.outcomes import Answer, Outcome
from compat.pairs import Pair
from compat.plays import Plays
from compat.server import HttpAnswer

pytestmark = pytest.mark.timeout(300)  # the first run on a machine installs the original

PAIRS = list(replies.pairs())
BODILESS = (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED)


@pytest.fixture(scope="module")
def plays(
    selected: list[dict[str, Any]], original_environment: Path
) -> Iterator[Plays[tuple[list[Outcome], list[HttpAnswer]]]]:
    def play(pair: Pair) -> tuple[list[Outcome], list[HttpAnswer]]:
        return original.play(pair, environment=original_environment), server.play(pair)

    pairs = [params["pair"] for params in selected]
    with Plays((pair.name, partial(play, pair)) for pair in pairs) as plays:
        yield plays


def is_final(answer: Answer) -> bool:
    """Whether HTTP can carry its status as that of an answer."""
    return type(answer.status) is int and 200 <= answer.status <= 599


def on_the_wire(value: str) -> str:
    """A header value as `http.client` reads it: UTF-8 taken for Latin-1, without the spaces around it."""
    return value.strip().encode().decode("latin-1")


def assert_same(answer: HttpAnswer, wanted: Answer) -> None:
    metadata = defaultdict(list)
    for name, value in wanted.metadata.items():
        metadata[name.lower()].append(on_the_wire(value))
    assert answer.status == wanted.status
    assert answer.values("content-type") == [on_the_wire(wanted.content_type)]
    assert {name: answer.values(name) for name in metadata} == metadata
    assert answer.body == (b"" if answer.status in BODILESS else wanted.body)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_server_answers_as_the_original_wherever_that_answered(
    pair: Pair, plays: Plays[tuple[list[Outcome], list[HttpAnswer]]]
) -> None:
    theirs, ours = plays[pair.name]
    for their, our in zip(theirs, ours, strict=True):
        if isinstance(their, Answer) and is_final(their):
            assert_same(our, their)
        else:
            assert our.status in (http.HTTPStatus.OK, http.HTTPStatus.INTERNAL_SERVER_ERROR)
