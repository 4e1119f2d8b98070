"""Real servers for end-to-end tests: the installed command, real sockets, real workers."""

import http.client
import json
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from attrs import frozen

_T = TypeVar("_T")

_LISTENING = re.compile(r"INFO: listening on http://([\d.]+):(\d+) \(health on http://[\d.]+:(\d+)\)")
_START_S = 20.0
_POLL_S = 0.02


@frozen
class Reply:
    """One answer as the client saw it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class RunningServer:
    """A server process, asked over HTTP."""

    def __init__(self, command: Path, *arguments: str, environ: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [command, "--port", "0", "--health-port", "0", *arguments],
                env=environ,
                stderr=stderr,
                stdout=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            )
        self.port = self.health_port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_until_listening(self) -> Self:
        """Wait for the ports."""
        match = self.wait_for_log(_LISTENING)
        self.port, self.health_port = int(match[2]), int(match[3])
        return self

    def wait_until_ready(self) -> Self:
        """Wait for the first worker."""
        self.wait_until_listening()
        self.wait_for_log(re.compile(r"^INFO: ready: ", re.MULTILINE))
        return self

    def wait_for_log(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait until the log has `pattern`."""
        return wait_until(lambda: pattern.search(self.log()), f"the log to have {pattern.pattern!r}")

    def log(self) -> str:
        """What the server has written to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def request(
        self,
        method: str = "POST",
        path: str = "/",
        body: Any = b"",
        *,
        headers: dict[str, str] | None = None,
        port: int | None = None,
    ) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            data = response.read()
            return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, data)
        finally:
            connection.close()

    def readiness(self) -> Any:
        """What ``/readyz`` says."""
        return self.request("GET", "/readyz", port=self.health_port).json()

    def metrics(self) -> dict[str, float]:
        """What ``/metrics`` says: values by name and labels."""
        text = self.request("GET", "/metrics", port=self.health_port).body.decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def metric_names(self) -> set[str]:
        """The names of the metrics that ``/metrics`` has, those without a value included."""
        text = self.request("GET", "/metrics", port=self.health_port).body.decode()
        return set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))

    def do(self, deed: str) -> Reply:
        """Ask the misbehaving handler for `deed`."""
        return self.request(body=json.dumps(deed).encode(), headers={"Content-Type": "application/json"})

    def connect(self) -> socket.socket:
        """A raw connection to the service port."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def exchange(self, data: bytes) -> bytes:
        """Send raw bytes whose last request is the connection's last; return everything until the server closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def memory_bytes(self) -> int:
        """The resident memory of the server's process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def children(self) -> list[int]:
        """The pids of its workers."""
        return children_of(self.process.pid)


def wait_until(condition: Callable[[], _T | None], what: str, *, limit_s: float = _START_S) -> _T:
    """The first true value of `condition`; the test fails if there is none in time."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(_POLL_S)
    pytest.fail(f"waited {limit_s} s for {what}")


def children_of(pid: int) -> list[int]:
    """The pids of the direct children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


@pytest.fixture(scope="session")
def handlers(repository: Path) -> Path:
    """The folder of fixture handlers for ABI 19.04, one folder for each program."""
    return repository / "tests" / "handlers" / "19.04"


@pytest.fixture
def start(command: Path, environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts a server on free ports: ``start("--model-dir", folder, ...)``. It is stopped after the test."""
    started: list[RunningServer] = []

    def start_one(*arguments: object, **variables: str) -> RunningServer:
        server = RunningServer(
            command,
            "--image-version",
            "19.04",
            *map(str, arguments),
            environ={**environ, "TMPDIR": str(tmp_path), **variables},
            log=tmp_path / f"server-{len(started)}.log",
        )
        started.append(server)
        return server

    yield start_one
    for server in started:
        server.__exit__()


@pytest.fixture(scope="module")
def shared(
    request: pytest.FixtureRequest,
    command: Path,
    environ: dict[str, str],
    handlers: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningServer]:
    """One server for all tests of a module, whose HANDLER_FOLDER says what it serves."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / request.module.HANDLER_FOLDER))
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as server:
        yield server.wait_until_ready()
