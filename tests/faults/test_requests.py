r"""Requests as bytes, well-formed and not, on both connections: the folder `requests` has one in each file.

A file says what is expected, then, below a line of three hyphens, what is sent. Line ends of the file mean
nothing; ``\r \n \t \0 \xHH \\`` are what they are in Python, and ``{text * 3}`` is the text three times.

=============  =================================================================================================
expect         the statuses, in order; alternatives with ``|``; ``/HEAD`` for an answer without its body;
               ``closed`` if the server may close without a word
then           ``open``: the connection takes another request; ``close``: it has ended; ``any``
saw            what the handler got: method, target, and the body if there is one; once for each request; does not
               go for a connection that has an expectation of its own
never          what the handler must not get
hides          what is in no answer
tornado        what is expected of tornado's connection, where it differs; ``then-tornado`` likewise
=============  =================================================================================================
"""

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer
from tests.faults.conftest import Client, RawAnswer, small_request

FOLDER = Path(__file__).parent / "requests"
CASES = sorted(FOLDER.glob("*/*.http"))
_REPEATED = re.compile(r"\{(.*?) \* (\d+)\}")


class Case:
    """One file."""

    def __init__(self, path: Path, http: str) -> None:
        head, _, payload = path.read_text(encoding="ascii").partition("\n---\n")
        pairs = [line.split(": ", 1) for line in head.splitlines() if not line.startswith("#")]
        fields = dict(pairs)
        expected = fields.get(http, fields["expect"])
        self.expected = [set(status.strip().split("|")) for status in expected.split(",")]
        self.then = fields.get(f"then-{http}", fields["then"])
        self.saw = [unescaped(value).decode("latin-1") for name, value in pairs if name == "saw" and http not in fields]
        self.never = fields.get("never")
        self.hidden = fields.get("hides")
        self.payload = unescaped(payload.replace("\n", ""))


def unescaped(text: str) -> bytes:
    """The bytes that a part of a file stands for."""
    repeated = _REPEATED.sub(lambda match: match[1] * int(match[2]), text)
    return repeated.encode("ascii").decode("unicode_escape").encode("latin-1")


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_request(echoing: RunningServer, http: str, path: Path) -> None:
    check(echoing, http, path)


def test_there_are_cases_of_both_kinds() -> None:
    assert {path.parent.name for path in CASES} == {"valid", "invalid"}
    assert len(CASES) > 80


def check(echoing: RunningServer, http: str, path: Path) -> None:
    """The test fails if the server does not do with a file what the file says."""
    case = Case(path, http)
    with Client(echoing.port) as client:
        client.send(case.payload)
        answers = [_expected_answer(client, statuses) for statuses in case.expected]
        if case.then == "open":
            client.send(small_request("/after"))
            after = client.answer()
            assert after is not None
            assert json.loads(after.body)["path"] == "/after"
        elif case.then == "close":
            assert client.answer() is None

    given = [answer for answer in answers if answer is not None]
    for answer in given:
        _check_own(answer, http)
    if case.saw:
        assert [_seen(answer) for answer in given if b'"http_method"' in answer.body] == case.saw
    if case.hidden is not None:
        assert case.hidden.encode() not in b"".join(answer.body for answer in given)
    assert echoing.request("GET", "/healthy").json()["path"] == "/healthy"
    if case.never is not None:
        assert f" {case.never} " not in echoing.log()


def _expected_answer(client: Client, statuses: set[str]) -> RawAnswer | None:
    answer = client.answer(is_head=any("/HEAD" in status for status in statuses))
    found = "closed" if answer is None else str(answer.status)
    assert found in {status.removesuffix("/HEAD") for status in statuses}, answer
    return answer


def _check_own(answer: RawAnswer, http: str) -> None:
    """An error says what is wrong, and for whom; only tornado's own has no body, nor anything else."""
    if answer.status < 400 or (http == "tornado" and not answer.body):
        return
    assert answer.headers["content-type"] == "application/json"
    error = json.loads(answer.body)
    assert error["status"]
    assert error["request_id"] == answer.headers["x-request-id"]


def _seen(answer: RawAnswer) -> str:
    seen = json.loads(answer.body)
    target = seen["path"] + (f"?{seen['query']}" if seen["query"] else "")
    body = "" if seen["http_method"] == "GET" else "".join(content["text"] for content in seen["contents"])
    return f"{seen['http_method']} {target} {body}".rstrip(" ")
