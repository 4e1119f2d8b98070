"""18.10 handlers behind a server."""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def serve(start: Callable[..., RunningServer], repository: Path) -> Callable[..., RunningServer]:
    """Starts a server for a handler of tests/handlers/18.10."""

    def one(folder: str, *arguments: object) -> RunningServer:
        path = repository / "tests/handlers/18.10" / folder
        return start("--image-version", "18.10", "--model-dir", path, *arguments).wait_until_ready()

    return one


def test_results_go_out_as_they_are_yielded(serve: Callable[..., RunningServer]) -> None:
    server = serve("results")
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + _json_body("slow"))
        began, received, arrivals = time.monotonic(), b"", []
        while b"0\r\n\r\n" not in received:
            received += connection.recv(65536)
            arrivals.append(time.monotonic() - began)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Transfer-Encoding: chunked" in received
    assert [json.loads(line) for line in re.findall(rb"\{.*?\}", received)] == [{"number": n} for n in range(3)]
    assert len(arrivals) >= 3


def test_short_answers_have_a_length(serve: Callable[..., RunningServer]) -> None:
    reply = serve("results").request(body=b'"several"', headers=JSON)

    assert (reply.status, reply.headers["content-length"]) == (200, str(len(reply.body)))


def test_generator_is_closed_when_the_client_has_left(serve: Callable[..., RunningServer]) -> None:
    server = serve("results")
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + _json_body("endless"))
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    server.wait_for_log(re.compile("the generator was closed after"))
    assert server.request(body=b'"several"', headers=JSON).status == 200


def test_input_refused_in_the_middle_of_the_answer_cuts_it(serve: Callable[..., RunningServer]) -> None:
    server = serve("results")

    with pytest.raises(http.client.IncompleteRead):
        server.request(body=b'"late"', headers=JSON)
    assert "InvalidInput: too late" in server.log()


def test_one_worker_keeps_one_context_and_lives_on_after_errors(serve: Callable[..., RunningServer]) -> None:
    server = serve("shapes", "-h", "main:remembers")

    assert server.request(body=b"1", headers=JSON).json()[0] == 1
    assert server.request(body=b"{", headers=JSON).status == 400
    assert server.request(body=b"1", headers={"Content-Type": "text/plain"}).status == 415
    assert server.request(body=b"1", headers=JSON).json()[0] == 2


def test_methods_without_a_body_are_not_allowed(serve: Callable[..., RunningServer]) -> None:
    server = serve("total")

    for method in ("GET", "HEAD", "DELETE"):
        reply = server.request(method)
        assert (reply.status, reply.headers["allow"]) == (405, "PATCH, POST, PUT")
    assert server.request("PUT", body=b'{"price": 3}', headers=JSON).json() == {"total": 3}


def test_forms_are_415(serve: Callable[..., RunningServer]) -> None:
    form = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n{}\r\n--XX--'

    reply = serve("total").request(body=form, headers={"Content-Type": "multipart/form-data; boundary=XX"})

    assert reply.status == 415
    assert "application/json" in reply.json()["supported"]


def _json_body(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
