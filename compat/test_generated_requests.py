"""Generated requests: a handler sees the same of them in the original, in our worker, and behind our server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import assume, example, given

from compat import server
from compat.generated import reporting, requests, workers
from compat.generated.settings import examples
from compat.generated.workers import Workers
from compat.http_request import http_request
from compat.model_folder import model_folder
from compat.outcomes import Answer, Outcome
from compat.pairs import Pair, Request
from compat.worker_socket import IMAGE_VERSION

pytestmark = pytest.mark.timeout(300)  # the first run on a machine installs the original

# What only handlers of ours see.
ADDED = ("path", "query")
# The words of compatibility.md about that, and about `requests.SECRETS`.
DOCUMENTED = ("the path is not visible, nor is the query of a POST", "`Authorization` reaches the handler")


@pytest.fixture(scope="module")
def both(original_environment: Path) -> Iterator[Workers]:
    with workers.started(Path(reporting.__file__), environment=original_environment) as both:
        yield both


@pytest.fixture(scope="module")
def port(original_environment: Path) -> Iterator[int]:
    pair = Pair(name="report", handler=Path(reporting.__file__).read_text())
    python = str(original_environment / "bin" / "python")
    options = ("--image-version", IMAGE_VERSION, "--env", "inherit", "--python", python)
    with (
        model_folder(pair) as folder,
        server.serving(folder.model, *options, temporary=folder.temporary, log=folder.log) as port,
    ):
        yield port


def report_of(outcome: Outcome) -> Any:
    assert isinstance(outcome, Answer), outcome
    return json.loads(outcome.body)


def without_added(report: Any, *, request: Request) -> Any:
    """A report of ours as that of the original; what ours adds must be right."""
    values = report["values"]
    assert {name: values[name] for name in ADDED} == {"path": repr("/"), "query": repr(request.query)}
    return {**report, "values": {**values, **{name: f"KeyError: {name!r}" for name in ADDED}}}


@given(request=requests.of_worker())
@examples(300)
def test_requests_on_the_socket_are_seen_alike(both: Workers, request: Request) -> None:
    theirs, ours = both.original(request), both.ours(request)
    assert without_added(report_of(ours), request=request) == report_of(theirs)


@given(request=requests.over_http())
@example(request=Request(content_type=requests.FORM_TYPE, headers=(), contents=()))
@example(request=Request(headers=(("authorization", ("a",)), ("proxy-authorization", ("b", "c")))))
@examples(250)
def test_requests_over_http_are_seen_as_in_the_original(both: Workers, port: int, request: Request) -> None:
    assume(not any(f"--{requests.BOUNDARY}".encode() in content.body for content in request.contents))
    sent = http_request(request)
    answer = server.send(
        port, attrs.evolve(sent, headers=tuple((name, as_octets(value)) for name, value in sent.headers))
    )
    assert answer.status == 200, answer.body
    theirs = report_of(both.original(with_headers_of_http(request, body=sent.body)))
    assert without_added(json.loads(answer.body), request=request) == theirs


def as_octets(value: str) -> str:
    """A header value for `http.client`, which sends Latin-1: its UTF-8."""
    return value.encode().decode("latin-1")


def with_headers_of_http(request: Request, *, body: bytes | None) -> Request:
    """`request` with the headers that HTTP adds to it, as the original's proxy handed them on; without secrets."""
    headers = {name: values for name, values in request.headers if name not in requests.SECRETS}
    if body is not None:
        headers |= {"content-length": (str(len(body)),), "content-type": (request.content_type,)}
    return attrs.evolve(request, headers=tuple(sorted(headers.items())))


@pytest.mark.parametrize("words", DOCUMENTED)
def test_difference_is_documented(words: str) -> None:
    page = Path(__file__).parent.parent / "docs" / "explanation" / "compatibility.md"
    assert f"\n| {words}" in page.read_text()


def test_differences_are_there(both: Workers, port: int) -> None:
    headers = tuple((name, ("secret",)) for name in requests.SECRETS)
    request = Request(headers=headers)
    theirs, ours = report_of(both.original(request)), report_of(both.ours(request))
    assert all(theirs["values"][name] != ours["values"][name] for name in ADDED)
    answer = server.send(port, http_request(request))
    seen = {header["key"] for header in json.loads(answer.body)["headers"]}
    assert not seen & set(requests.SECRETS)
    assert {header["key"] for header in theirs["headers"]} == set(requests.SECRETS)
