"""Clients that leave, at every point and in every way: what they held is given back."""

import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.processes import blocks_in_use, descriptors_at_rest, files_in, spool_of

Leave = Callable[[socket.socket], None]

# Says in files what happens, and does it when another file is there.
SLOW = """
import itertools, os, time
def wait(name):
    open("in-" + name, "w").close()
    while not os.path.exists("go"):
        time.sleep(0.005)
def endless():
    try:
        for number in itertools.count():
            yield b"x" * 50000
    finally:
        open("closed", "w").close()
def handler(request, context):
    path, size = request["path"], len(request.read())
    if path == "/wait":
        wait("wait")
    if path == "/wait-large":
        wait("wait-large")
        return {"content": b"y" * 1000000, "content_type": "application/octet-stream"}
    if path == "/large":
        return {"content": b"y" * 20000000, "content_type": "application/octet-stream"}
    if path == "/endless":
        return {"content": endless()}
    if path == "/forbidden":
        open("was-run", "w").close()
    return {"content": str(size)}
"""

HEAD = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
MULTIPART = (
    b"POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b'Content-Length: 9000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
)


def _close(connection: socket.socket) -> None:
    connection.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _half_close(connection: socket.socket) -> None:
    """It reads on, but says no more."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(10)
    try:
        while connection.recv(1 << 20):
            pass
    except ConnectionError:
        pass
    connection.close()


def _bodies_in(server: RunningServer) -> int:
    """How many bodies of 100 kB it holds, or larger ones in files."""
    return len(files_in(spool_of(server))) + -(-blocks_in_use(server) // 2)


@pytest.fixture(params=[_close, _reset], ids=["closed", "reset"])
def leave(request: pytest.FixtureRequest) -> Leave:
    """How the client leaves."""
    return request.param  # type: ignore[no-any-return] # as given


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder, in which its handler runs."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "main.py").write_text(SLOW)
    return folder


@pytest.fixture(scope="module", params=["0", "16M"], ids=["files", "memory"])
def running(
    request: pytest.FixtureRequest,
    command: Path,
    environ: dict[str, str],
    model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningServer]:
    """A server with one worker, which keeps bodies in files, or in memory as far as it can."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ("--image-version", "19.04", "--model-dir", str(model), "--body-memory", request.param)
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as one:
        yield one.wait_until_ready()


@pytest.fixture(scope="module")
def descriptors(running: RunningServer) -> Counter[str]:
    """What the server has open when it does nothing."""
    assert running.request(body=b"x").status == 200
    return descriptors_at_rest(running)


@pytest.fixture
def server(running: RunningServer, model: Path, descriptors: Counter[str]) -> Iterator[RunningServer]:
    """The server, which must be after the test as it was before: same worker, same descriptors, no bodies."""
    workers = running.children()
    for name in ("go", "in-wait", "in-wait-large", "closed", "was-run"):
        (model / name).unlink(missing_ok=True)
    yield running
    (model / "go").touch()
    wait_until(lambda: running.readiness()["workers"][0]["state"] == "idle", "the worker to be free")
    wait_until(lambda: not _bodies_in(running), "the bodies to go")
    assert descriptors_at_rest(running) == descriptors
    assert running.children() == workers
    assert running.request(body=b"12345").body == b"5"
    assert not (model / "was-run").exists()
    assert "Traceback" not in running.log()


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /forbidden HTTP/1.1\r\nHo",
        HEAD % (b"/forbidden", 1000),
        HEAD % (b"/forbidden", 1000) + b"x" * 999,
        HEAD % (b"/forbidden", 9_000_000) + b"x" * 300_000,
        b"POST /forbidden HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n"
        + b"x" * 0x20000
        + b"\r\n",
        MULTIPART,
        MULTIPART + b"x" * 300_000,
        MULTIPART + b"x" * 300_000 + b"\r\n--b\r\nContent-Disposition: form-data; name",
    ],
    ids=["head", "no body", "small", "large", "chunked", "part", "large part", "next part"],
)
def test_nothing_runs_for_a_client_that_leaves_before_the_end_of_its_request(
    server: RunningServer, leave: Leave, sent: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(sent)
        if len(sent) > 200_000:
            wait_until(lambda: _bodies_in(server), "the body to be stored")
        leave(connection)


def test_nothing_runs_for_clients_that_leave_the_queue(server: RunningServer, model: Path, leave: Leave) -> None:
    with server.connect() as busy:
        busy.sendall(HEAD % (b"/wait", 0))
        wait_until((model / "in-wait").exists, "the handler to run")
        waiting = [server.connect() for _ in range(20)]
        for connection in waiting:
            connection.sendall(HEAD % (b"/forbidden", 100_000) + b"x" * 100_000)
        wait_until(lambda: _bodies_in(server) == len(waiting), "the bodies to be stored")
        for connection in waiting:
            leave(connection)
        wait_until(lambda: not _bodies_in(server), "the bodies to go")
        (model / "go").touch()
        assert busy.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/wait", b"/wait-large"])
def test_an_answer_for_a_client_that_has_left_is_dropped(
    server: RunningServer, model: Path, leave: Leave, path: bytes
) -> None:
    logged = len(server.log())
    with server.connect() as connection:
        connection.sendall(HEAD % (path, 100_000) + b"x" * 100_000)
        wait_until((model / f"in-{path.decode()[1:]}").exists, "the handler to run")
        leave(connection)
    if leave is _reset:
        # One that closes looks like one that says no more, and reads: it is written to until it resets.
        _wait_until_left(server, path.decode(), logged)


def test_a_large_answer_is_given_up_when_its_client_leaves(server: RunningServer, leave: Leave) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD % (b"/large", 0))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        leave(connection)


def test_a_stream_is_given_up_when_its_client_leaves(server: RunningServer, model: Path, leave: Leave) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD % (b"/endless", 0))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        leave(connection)
    wait_until((model / "closed").exists, "the generator to be closed")


def test_a_large_answer_that_is_never_read_holds_no_worker(server: RunningServer, leave: Leave) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD % (b"/large", 0))
        assert connection.recv(10).startswith(b"HTTP/1.1 2")
        assert [server.request(body=b"x" * 100_000).body for _ in range(5)] == [b"100000"] * 5
        leave(connection)


def test_a_stream_that_is_never_read_ends_when_its_client_leaves(
    server: RunningServer, model: Path, leave: Leave
) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD % (b"/endless", 0))
        assert connection.recv(10).startswith(b"HTTP/1.1 2")
        assert server.request("GET", "/health_check").status == 200
        assert not (model / "closed").exists()
        leave(connection)
    wait_until((model / "closed").exists, "the generator to be closed")


def test_requests_behind_an_answer_that_is_not_wanted_are_not_run(server: RunningServer, model: Path) -> None:
    logged = len(server.log())
    with server.connect() as connection:
        connection.sendall(HEAD % (b"/wait", 0) + 10 * (HEAD % (b"/forbidden", 3) + b"abc"))
        wait_until((model / "in-wait").exists, "the handler to run")
        _reset(connection)
    (model / "go").touch()
    wait_until(lambda: "POST /wait " in server.log()[logged:], "the first answer")


@pytest.mark.parametrize("sent", [b"", b"POST", HEAD % (b"/forbidden", 5) + b"abc"], ids=["nothing", "word", "half"])
def test_half_closed_connections_are_closed(server: RunningServer, sent: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(sent)
        _half_close(connection)


@pytest.mark.parametrize("path", [b"/large", b"/endless"])
def test_a_client_that_says_no_more_while_it_is_answered_leaves_nothing(server: RunningServer, path: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD % (path, 0))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000)


def _wait_until_left(server: RunningServer, path: str, logged: int) -> None:
    pattern = re.compile(rf"POST {path} 0 .*\(the client has left\)")
    wait_until(lambda: pattern.search(server.log()[logged:]), "the server to see that the client has left")
