"""Handlers that write to their worker's own socket: one answer, and nobody else notices."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until

Start = Callable[..., RunningServer]

HANDLER_FOLDER = "forging"


@pytest.fixture(scope="module")
def server(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server with one worker, which has a second for each request."""
    folder = tmp_path_factory.mktemp("forging")
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / HANDLER_FOLDER), "--timeout", "1")
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as one:
        yield one.wait_until_ready()


@pytest.mark.parametrize(
    "deed",
    [
        "random bytes",
        "a million bytes",
        "half a head",
        "huge frame",
        "no kind",
        "bomb",
        "unknown kind",
        "ready for it",
        "request",
        "chunk first",
        "end first",
        "response without anything",
        "response in a stream",
        "stream in a stream",
        "stream without an end",
        "error without anything",
        "file of a number",
        "file with a NUL",
        "memory elsewhere",
        "memory of nothing",
        "memory of a text",
        "memory without a place",
    ],
)
def test_what_is_no_frame_of_the_protocol_is_502_and_a_new_worker(server: RunningServer, deed: str) -> None:
    assert server.do("nothing").status == 200
    before = server.children()

    _check(server, deed, status=502)

    assert server.children() != before
    assert "broke the protocol" in server.log()


def test_half_a_frame_swallows_the_answer_until_the_deadline(server: RunningServer) -> None:
    _check(server, "half a frame", status=504)


@pytest.mark.parametrize(
    "deed",
    [
        "odd status",
        "odd headers",
        "odd header",
        "header of lines",
        "error of numbers",
        "file elsewhere",
        "file above",
        "file not there",
        "file without a name",
        "file that is a folder",
        "file that is a pipe",
        "file that is a link",
        "file that is longer",
        "file that is shorter",
        "file of odd size",
    ],
)
def test_an_answer_that_cannot_be_sent_is_500(server: RunningServer, deed: str) -> None:
    server.do("half a head")  # files of tests before this one go with the worker

    _check(server, deed, status=500)


@pytest.mark.parametrize(
    "deed", ["of another request", "of an odd request", "ready again", "failed now", "init", "later"]
)
def test_frames_that_are_about_nothing_are_ignored(server: RunningServer, deed: str) -> None:
    assert server.do(deed).body == b"done"
    assert [server.do("nothing").body for _ in range(3)] == [b"done"] * 3


def test_the_first_of_two_answers_counts(server: RunningServer) -> None:
    assert server.do("response twice").body == b"forged"
    assert [server.do("nothing").body for _ in range(3)] == [b"done"] * 3


def test_the_requests_of_other_workers_go_on(start: Start, tmp_path: Path, handlers: Path) -> None:
    (tmp_path / "main.py").write_bytes((handlers / HANDLER_FOLDER / "main.py").read_bytes())
    server = start("--model-dir", tmp_path, "--workers", "2").wait_until_ready()
    wait_until(lambda: len(server.readiness()["workers"]) == 2, "both workers")
    answered: list[Reply] = []
    client = threading.Thread(target=lambda: answered.append(server.do("wait")))
    client.start()
    wait_until((tmp_path / "busy").exists, "the handler to run")

    for deed in ("random bytes", "chunk first", "bomb"):
        _check(server, deed, status=502)
    (tmp_path / "go").touch()
    client.join()

    assert [(reply.status, reply.body) for reply in answered] == [(200, b"done")]


def _check(server: RunningServer, deed: str, *, status: int) -> None:
    reply = server.do(deed)

    assert reply.status == status
    assert sorted(json.loads(reply.body)) == ["request_id", "status"]
    assert server.do("nothing").body == b"done"
