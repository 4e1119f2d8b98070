"""The source `http`, against a server that fails, cuts, lies and redirects."""

import base64
import hashlib
import http.server
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abeja.runtime import Fetch, SourceFailedError
from abeja_runtime_sources.http.download import download
from abeja_runtime_sources.http.patience import Patience

CONTENT = bytes(range(256)) * 4000
TAG = '"one"'
QUICK = Patience(first_s=0.001, last_s=0.01, silence_s=0.2)

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server(http.server.ThreadingHTTPServer):
    """Answers each request with the next of `answers`, the last one for ever.

    Attributes:
        seen: the headers of the requests, with the path as ``:path``.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/result.tar.gz"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        seen = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append({":path": self.path, **seen})
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        answer(self)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in http.server)
        """Nothing: pytest shows what matters."""


def whole(content: bytes = CONTENT, *, tag: str = TAG, cut: int | None = None, length: int | None = None) -> Answer:
    """The file, or what was asked for of it; cut off after `cut` bytes, or of a length that is not true."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(match[1]) if match and handler.headers.get("If-Range") == tag else 0
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", tag)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - start if length is None else length))
        handler.end_headers()
        handler.wfile.write(content[start:][:cut])

    return answer


def status(code: int, **headers: str) -> Answer:
    """An answer without a body."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {**headers, "Content-Length": "0"}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def chunked(*chunks: bytes, is_complete: bool = True) -> Answer:
    """The chunks, without a length."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for chunk in chunks:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        handler.wfile.write(b"0\r\n\r\n" if is_complete else b"")

    return answer


def drop(handler: http.server.BaseHTTPRequestHandler) -> None:
    """No answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers: ``serve(answer, answer, ...)``."""
    started: list[Server] = []

    def start(*answers: Answer) -> Server:
        server = Server()
        server.answers = list(answers)
        started.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return Fetch(folder=tmp_path, limit_bytes=10 * 1024**2, progress=lambda *_: None)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fetched(server: Server, fetch: Fetch) -> str:
    """The digest of what was downloaded, and one that a test can compare it with if it differs."""
    return hashlib.sha256(download(server.url, fetch, patience=QUICK).read_bytes()).hexdigest()


WANTED = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([whole()], 1),
        ([chunked(CONTENT[:100], CONTENT[100:])], 1),
        (
            [
                status(500),
                status(503, Retry_After="0"),
                status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
                whole(),
            ],
            4,
        ),
        ([drop, drop, whole()], 3),
        ([whole(cut=1000), whole(cut=300_000), whole()], 3),
        ([chunked(CONTENT[:100], is_complete=False), whole()], 2),
        ([whole(length=len(CONTENT) + 5), whole()], 3),
    ],
    ids=["whole", "chunked", "statuses", "dropped", "cut", "cut chunks", "lies about its length"],
)
def test_download_is_complete_after_whatever_happened(
    serve: Callable[..., Server], fetch: Fetch, answers: list[Answer], requests: int
) -> None:
    server = serve(*answers)

    assert fetched(server, fetch) == WANTED
    assert len(server.seen) == requests


def test_download_is_continued_where_it_broke_off(serve: Callable[..., Server], fetch: Fetch) -> None:
    server = serve(whole(cut=600_000), whole())

    assert fetched(server, fetch) == WANTED
    assert "range" not in server.seen[0]
    assert server.seen[1]["range"] == "bytes=600000-"
    assert server.seen[1]["if-range"] == TAG


def test_another_file_is_downloaded_from_its_beginning(serve: Callable[..., Server], fetch: Fetch) -> None:
    server = serve(whole(b"old" * 1000, tag='"old"', cut=100), whole())

    assert fetched(server, fetch) == WANTED


def test_weak_tag_is_not_used_for_continuing(serve: Callable[..., Server], fetch: Fetch) -> None:
    server = serve(whole(tag='W/"weak"', cut=100), whole())

    assert fetched(server, fetch) == WANTED
    assert "range" not in server.seen[1]


def test_wrong_range_is_not_believed(serve: Callable[..., Server], fetch: Fetch) -> None:
    def shifted(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")
        handler.send_header("Content-Length", str(len(CONTENT) - 7))
        handler.end_headers()
        handler.wfile.write(CONTENT[7:])

    assert fetched(serve(whole(cut=100), shifted, whole()), fetch) == WANTED


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        (status(404), "404", 1),
        (status(403), "403", 1),
        (status(500), "500", QUICK.attempts),
        (drop, "also when tried again", QUICK.attempts),
        (whole(length=20 * 1024**2), "the limit is", 1),
        (chunked(*[CONTENT] * 20), "the limit is", 1),
        (whole(b"", length=10), "0 of 10 bytes", QUICK.attempts),
        (status(302, Location="file:///etc/passwd"), "Redirection", 1),
        (status(302, Location="ftp://127.0.0.1/x"), "redirect", 1),
    ],
    ids=["404", "403", "500", "dropped", "length", "too long", "never complete", "to a file", "to ftp"],
)
def test_failure_is_named(
    serve: Callable[..., Server], fetch: Fetch, answer: Answer, reason: str, requests: int
) -> None:
    server = serve(answer)

    with pytest.raises(SourceFailedError, match=reason):
        download(server.url, fetch, patience=QUICK)
    assert len(server.seen) == requests


def test_silence_is_not_waited_for(serve: Callable[..., Server], fetch: Fetch) -> None:
    done = threading.Event()
    server = serve(lambda _: done.wait(10) and None)
    try:
        with pytest.raises(SourceFailedError, match="timed out"):
            download(server.url, fetch, patience=Patience(attempts=1, silence_s=0.05))
    finally:
        done.set()


def test_circle_of_redirects_ends(serve: Callable[..., Server], fetch: Fetch) -> None:
    with pytest.raises(SourceFailedError, match="30"):
        download(serve(status(302, Location="/again")).url, fetch, patience=QUICK)


def test_password_goes_to_its_host_only(serve: Callable[..., Server], fetch: Fetch) -> None:
    other = serve(whole())
    first = serve(status(302, Location="/moved"), status(302, Location=other.url))

    download(first.url.replace("//", "//user:p%40ss@"), fetch, patience=QUICK)

    pair = base64.b64encode(b"user:p@ss").decode()
    assert [seen.get("authorization") for seen in first.seen] == [f"Basic {pair}"] * 2
    assert "authorization" not in other.seen[0]


def test_neither_password_nor_query_is_in_an_error(serve: Callable[..., Server], fetch: Fetch) -> None:
    url = serve(status(404)).url.replace("//", "//user:secret@") + "?signature=hidden"

    with pytest.raises(SourceFailedError) as caught:
        download(url, fetch, patience=QUICK)
    assert "secret" not in caught.value.report()
    assert "hidden" not in caught.value.report()


def test_waiting_grows_and_is_random_and_follows_the_server() -> None:
    patience = Patience(first_s=1, last_s=30)

    assert 0.5 <= patience.delay_s(1, None) <= 1
    assert 2 <= patience.delay_s(3, None) <= 4
    assert 15 <= patience.delay_s(20, None) <= 30
    assert len({patience.delay_s(3, None) for _ in range(20)}) > 1
    assert patience.delay_s(1, "7") == 7
    assert patience.delay_s(1, "3600") == 30
    assert patience.delay_s(1, "soon") <= 1
