"""Our server as its users start it: one process, spoken to over HTTP."""

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from compat.http_request import HttpRequest, http_request
from compat.model_folder import model_folder
from compat.pairs import Pair
from compat.process import TIMEOUT_S, running
from compat.worker_socket import IMAGE_VERSION

_LISTENING = re.compile(r"INFO: listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:\d+\)")
_POLL_S = 0.01


@frozen(kw_only=True)
class HttpAnswer:
    """What an HTTP client got.

    Attributes:
        headers: in their order, values as Latin-1 reads them.
        is_complete: False when the connection ended before the body did.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_complete: bool = True

    def values(self, name: str) -> list[str]:
        """All values of the header `name`."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def play(pair: Pair) -> list[HttpAnswer]:
    """Start a server for `pair`, send it the requests, and stop it.

    Raises:
        AssertionError: the server did not start, or did not end well.
    """
    options = ("--image-version", IMAGE_VERSION, "--handler", pair.entry, "--env", "inherit")
    with (
        model_folder(pair) as folder,
        serving(
            folder.model, *options, temporary=folder.temporary, log=folder.log, environment=pair.environment
        ) as port,
    ):
        return [send(port, http_request(request)) for request in pair.requests]


@contextmanager
def serving(
    model: Path, *options: str, temporary: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A server for a model, which is healthy; its port.

    Args:
        model: the folder with the handler.
        options: of the command line.
        temporary: an empty folder for TMPDIR, in which nothing may be left.
        log: takes both output streams.
        environment: variables on top of those of the tests.

    Raises:
        AssertionError: the server did not start, or did not end well.
    """
    command = [
        sys.executable, "-m", "abeja.runtime", "serve",
        "--model-dir", str(model),
        "--host", "127.0.0.1",
        "--port", "0",
        "--health-port", "0",
        *options,
    ]  # fmt: skip
    variables = {"TMPDIR": str(temporary), **(environment or {})}
    with running(command, folder=temporary, environment=variables, log=log) as process:
        try:
            port = _port(process, log)
            _wait_until_healthy(port, process, log)
            yield port
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()
    assert not list(temporary.iterdir()), "the server left files behind"


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in _polls(process, log):
        match = _LISTENING.search(log.read_text())
        if match is not None:
            return int(match[1])
    raise AssertionError(f"the server does not listen:\n{log.read_text()}")


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    health_check = HttpRequest(method="GET", target="/health_check", headers=(), body=None)
    for _ in _polls(process, log):
        if send(port, health_check).status == http.client.OK:
            return


def _polls(process: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    give_up = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up:
        yield
        time.sleep(_POLL_S)
    raise AssertionError(f"the server did not become healthy:\n{log.read_text()}")


def send(port: int, request: HttpRequest) -> HttpAnswer:
    """What a server on this machine answers to a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        return _receive(connection)
    finally:
        connection.close()


def _receive(connection: http.client.HTTPConnection) -> HttpAnswer:
    response = connection.getresponse()
    try:
        body, is_complete = response.read(), True
    except http.client.IncompleteRead as error:
        body, is_complete = error.partial, False
    return HttpAnswer(status=response.status, headers=tuple(response.getheaders()), body=body, is_complete=is_complete)
