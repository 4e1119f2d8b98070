"""Servers of both connections, and clients that send bytes as they are."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from attrs import frozen

from tests.end_to_end.conftest import RunningServer, handlers, shared, start

__all__ = ["handlers", "shared", "start"]

CONNECTIONS = ("llhttp", "tornado")
Start = Callable[..., RunningServer]

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]+\r\n((?:[!-9;-~]+: ?[^\r\n\0]*\r\n)*)\r\n")


@frozen
class RawAnswer:
    """One answer, taken apart by what RFC 9112 says and nothing else.

    Attributes:
        headers: lower-case name -> value; no name may come twice.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def take_answer(raw: bytes, *, is_head: bool = False) -> tuple[RawAnswer, bytes] | None:
    """The first answer in `raw` and what follows it; None if it is not complete. The test fails if it is no HTTP."""
    if b"\r\n\r\n" not in raw:
        return None
    match = _HEAD.match(raw)
    assert match, f"no answer: {raw[:500]!r}"
    pairs = [line.split(": ", 1) for line in match[2].decode("latin-1").splitlines()]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs), f"a header twice: {pairs}"
    status, rest = int(match[1]), raw[match.end() :]
    # The last is tornado's own.
    if status == 100 or raw.startswith(b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        return RawAnswer(status, headers, b""), rest
    assert ("content-length" in headers) != ("transfer-encoding" in headers), headers
    length = 0 if is_head else int(headers["content-length"])
    return (RawAnswer(status, headers, rest[:length]), rest[length:]) if len(rest) >= length else None


class Client:
    """A raw connection."""

    def __init__(self, port: int, *, timeout_s: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._raw = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send it, or what the server still takes of it."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self, *, is_head: bool = False) -> RawAnswer | None:
        """The next answer; None if the server closes instead."""
        while (taken := take_answer(self._raw, is_head=is_head)) is None:
            data = self._receive()
            if not data:
                assert not self._raw, f"a part of an answer: {self._raw[:500]!r}"
                return None
            self._raw += data
        answer, self._raw = taken
        return answer

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


def small_request(path: str = "/") -> bytes:
    """A request that every server answers."""
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


@pytest.fixture(scope="module", params=CONNECTIONS)
def http(request: pytest.FixtureRequest) -> str:
    """What reads HTTP."""
    return str(request.param)


@pytest.fixture(scope="module")
def echoing(
    http: str, command: Path, environ: dict[str, str], handlers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """One server of each connection for all tests of a module: it says what it got."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / "echo"), "--max-body", "10M", "--http", http)
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as server:
        yield server.wait_until_ready()
