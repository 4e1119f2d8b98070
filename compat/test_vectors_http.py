"""Every recorded pair over HTTP, against a server of ours as users start it: one process for each handler."""

import json
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from operator import itemgetter
from typing import Any

import pytest

from compat import expected, server
from compat.outcomes import RUNTIME_VERSION_NAME, Answer
from compat.plays import Plays
from compat.server import HttpAnswer
from compat.vectors import Vector, vectors_19_04

Served = Plays[list[HttpAnswer]]

# Fails after its first element, which may be on its way by then.
FAILS_IN_ITS_BODY = "exc-in-generator"


def shows_what_http_cannot_carry(vector: Vector) -> bool:
    """Whether the handler reports a header that has no value at all; test_vectors_worker.py plays these."""
    has_valueless = any(not values for request in vector.pair.requests for _, values in request.headers)
    return has_valueless and "headers" in vector.pair.handler


VECTORS = [vector for vector in vectors_19_04() if not shows_what_http_cannot_carry(vector)]
[HEADERS_VECTOR] = [vector for vector in vectors_19_04() if vector.pair.name == "req-basic"]


@pytest.fixture(scope="module")
def plays(selected: list[dict[str, Any]]) -> Iterator[Served]:
    pairs = [params["vector"].pair for params in selected]
    with Plays((pair.name, partial(server.play, pair)) for pair in pairs) as plays:
        yield plays


def assert_refused(answer: HttpAnswer) -> None:
    assert answer.status == 500
    assert answer.values("content-type") == ["application/json"]
    assert isinstance(json.loads(answer.body)["status"], str)


def assert_same(answer: HttpAnswer, wanted: Answer) -> None:
    assert answer.status == wanted.status
    assert answer.values("content-type") == [wanted.content_type]
    assert {name: answer.values(name) for name in wanted.metadata} == {
        name: [value] for name, value in wanted.metadata.items()
    }
    assert answer.values(RUNTIME_VERSION_NAME) == [metadata.version("abeja-runtime")]
    assert answer.body == wanted.body
    assert answer.is_complete


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_server_answers_as_recorded(vector: Vector, plays: Served) -> None:
    [answer] = plays[vector.pair.name]
    wanted = expected.over_http(vector)
    if wanted is not None:
        assert_same(answer, wanted)
    elif vector.pair.name != FAILS_IN_ITS_BODY or answer.is_complete:
        assert_refused(answer)


@pytest.mark.parametrize("vector", [HEADERS_VECTOR], ids=str)
def test_handler_sees_the_headers_that_were_sent(vector: Vector, plays: Served) -> None:
    [answer] = plays[vector.pair.name]
    assert isinstance(vector.observed, Answer)
    wanted, found = json.loads(vector.observed.body), json.loads(answer.body)
    sent = [header for header in wanted.pop("request['headers']") if header["values"]]
    names = {header["key"] for header in sent}
    # HTTP adds headers of its own, and all are sorted by name.
    received = [header for header in found.pop("request['headers']") if header["key"] in names]
    assert received == sorted(sent, key=itemgetter("key"))
    assert found == wanted
