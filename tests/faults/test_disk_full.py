"""A spool whose disk is really full: the request that does not fit is 507, and nothing of it is left."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.processes import files_in, skip_unless_possible

_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")
_SIZE_BYTES = 512 * 1024
# Fits into the memory of no request, and onto the disk once.
_FITS = b"x" * (_SIZE_BYTES // 2)
_TOO_LARGE = b"x" * (2 * _SIZE_BYTES)

ANSWERING = """
import json
class Pieces:
    def __init__(self, pieces):
        self.pieces = pieces
    def __iter__(self):
        return iter(self.pieces)
def handler(request, context):
    size, kind = int(request["http_headers"]["x-size"] or 0), request["http_headers"]["x-kind"]
    request.read()
    pieces = (b"y" * 10000 for _ in range(0, size, 10000))
    content = {"stream": pieces, "pieces": Pieces(pieces)}.get(kind, b"y" * size)
    return {"content": content, "content_type": "application/octet-stream"}
"""


@pytest.fixture
def server(command: Path, environ: dict[str, str], tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose temporary folder is a small file system of its own."""
    skip_unless_possible([*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", tmp_path])
    disk, model = tmp_path / "disk", tmp_path / "model"
    disk.mkdir()
    model.mkdir()
    (model / "main.py").write_text(ANSWERING)
    script = tmp_path / "server"
    mount = f"mount -t tmpfs -o size={_SIZE_BYTES} tmpfs {shlex.quote(str(disk))}"
    run = shlex.join([*_UNSHARE, "sh", "-c", f'{mount} && exec {shlex.quote(str(command))} "$@"', "sh"])
    script.write_text(f'#!/bin/sh\nexec {run} "$@"\n')
    script.chmod(0o700)
    arguments = ("--image-version", "19.04", "--model-dir", str(model), "--body-memory", "0")
    with RunningServer(script, *arguments, environ={**environ, "TMPDIR": str(disk)}, log=tmp_path / "log") as one:
        yield one.wait_until_ready()


@pytest.fixture
def files(server: RunningServer, tmp_path: Path) -> Callable[[], list[str]]:
    """What is in its temporary folder, seen from where it is mounted."""
    disk = Path(f"/proc/{server.process.pid}/root{tmp_path}/disk")
    return lambda: files_in(disk)


def test_a_body_that_does_not_fit_is_507_and_the_next_one_is_served(
    server: RunningServer, files: Callable[[], list[str]]
) -> None:
    for _ in range(3):
        reply = server.request(body=_TOO_LARGE)

        assert (reply.status, reply.json()["status"]) == (507, "the body could not be stored")
        assert server.request(body=b"small").status == 200
        assert server.request(body=_FITS).status == 200
        assert files() == []
    assert "No space left on device" in server.log()
    assert "Traceback" not in server.log()


def test_a_part_that_does_not_fit_is_507(server: RunningServer, files: Callable[[], list[str]]) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
    body = head + _FITS + b"\r\n" + head + _TOO_LARGE + b"\r\n--b--\r\n"

    reply = server.request(body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert reply.status == 507
    assert server.request(body=b"small").status == 200
    assert files() == []


def test_what_others_have_stored_is_not_lost(server: RunningServer, files: Callable[[], list[str]]) -> None:
    with server.connect() as connection:
        half = len(_FITS) // 2
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nX-Size: 4\r\nConnection: close\r\n")
        connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(_FITS), _FITS[:half]))
        wait_until(files, "the first half to be stored")
        assert server.request(body=_TOO_LARGE).status == 507
        connection.sendall(_FITS[half:])
        raw = b"".join(iter(lambda: connection.recv(65536), b""))

    assert raw.startswith(b"HTTP/1.1 200 ")
    assert raw.endswith(b"\r\n\r\nyyyy")
    assert files() == []


@pytest.mark.parametrize("kind", ["whole", "pieces"])
def test_an_answer_that_does_not_fit_is_507_and_the_worker_serves_on(
    server: RunningServer, files: Callable[[], list[str]], kind: str
) -> None:
    before = server.children()

    reply = server.request(headers={"X-Size": str(len(_TOO_LARGE)), "X-Kind": kind})

    assert (reply.status, reply.json()["status"]) == (507, "the answer could not be stored")
    assert "No space left on device" in server.log()
    assert server.request(headers={"X-Size": str(len(_FITS)), "X-Kind": kind}).status == 200
    assert server.children() == before
    assert files() == []


def test_a_streamed_answer_needs_no_disk(server: RunningServer, files: Callable[[], list[str]]) -> None:
    reply = server.request(headers={"X-Size": str(len(_TOO_LARGE)), "X-Kind": "stream"})

    assert (reply.status, len(reply.body)) == (200, -(-len(_TOO_LARGE) // 10000) * 10000)
    assert files() == []


def test_a_streamed_answer_that_must_be_collected_and_does_not_fit_is_507(
    server: RunningServer, files: Callable[[], list[str]]
) -> None:
    before = server.children()

    raw = server.exchange(b"GET / HTTP/1.0\r\nX-Size: %d\r\nX-Kind: stream\r\n\r\n" % len(_TOO_LARGE))

    assert raw.split(maxsplit=2)[1] == b"507"
    assert b"Traceback" not in raw
    assert server.request(body=b"small").status == 200
    assert server.children() == before
    assert files() == []
