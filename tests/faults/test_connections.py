"""More connections than there may be, and than there are descriptors for."""

import os
import socket
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.conftest import Client, Start, small_request

LIMIT = 5
DESCRIPTORS = 64
_FULL = "WARNING: service port: new connections have to wait: "


@pytest.fixture
def limited(command: Path, tmp_path: Path) -> Path:
    """The command, with few descriptors."""
    script = tmp_path / "limited"
    script.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec {command} "$@"\n')
    script.chmod(0o700)
    return script


def test_connections_beyond_the_limit_wait_and_health_does_not(start: Start, http: str, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--http", http, "--max-connections", LIMIT).wait_until_ready()
    open_ones = [Client(server.port) for _ in range(LIMIT)]
    for client in open_ones:
        client.send(small_request())
        assert client.answer() is not None
    with Client(server.port) as waiting, Client(server.port) as too:
        waiting.send(small_request("/waiting"))
        too.send(small_request("/too"))
        wait_until(lambda: _FULL in server.log(), "the server to be full")
        assert server.request("GET", "/livez", port=server.health_port).status == 200
        assert "/waiting" not in server.log()
        for client in open_ones:
            client.socket.close()
        assert waiting.answer() is not None
        assert too.answer() is not None

    assert server.log().count(_FULL) == 1
    assert server.request().status == 200


def test_idle_connections_make_room(start: Start, http: str, handlers: Path) -> None:
    arguments = ("--model-dir", handlers / "echo", "--http", http, "--max-connections", LIMIT, "--idle-timeout", "0.3")
    server = start(*arguments).wait_until_ready()
    idle = [Client(server.port) for _ in range(3 * LIMIT)]

    assert server.request().status == 200
    for client in idle:
        client.socket.close()


def test_connections_that_come_and_go_are_counted_right(start: Start, http: str, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--http", http, "--max-connections", LIMIT).wait_until_ready()
    for number in range(10 * LIMIT):
        with Client(server.port) as client:
            client.send(
                (b"", b"GET", b"\0", small_request().replace(b"Host", b"Connection: close\r\nHost"))[number % 4]
            )

    # All slots are free again: as many can be open at once as at first.
    open_ones = [Client(server.port) for _ in range(LIMIT)]
    for client in open_ones:
        client.send(small_request())
        assert client.answer() is not None
    for client in open_ones:
        client.socket.close()


def test_without_descriptors_the_server_waits_and_recovers(
    http: str, limited: Path, environ: dict[str, str], handlers: Path, tmp_path: Path
) -> None:
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / "echo"), "--http", http)
    log = tmp_path / "log"
    variables = {**environ, "TMPDIR": str(tmp_path)}
    with RunningServer(limited, *arguments, "--max-connections", "1000", environ=variables, log=log) as server:
        server.wait_until_ready()
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2 * DESCRIPTORS)]
        wait_until(lambda: _FULL in server.log(), "the server to run out of descriptors")
        before_s = _cpu_s(server.process.pid)
        time.sleep(1)
        assert _cpu_s(server.process.pid) - before_s < 0.3
        for client in clients:
            client.close()
        assert server.request().status == 200
        assert server.request("GET", "/livez", port=server.health_port).status == 200
        assert server.log().count(_FULL) == 1


def test_the_limit_follows_from_the_descriptors(
    http: str, limited: Path, environ: dict[str, str], handlers: Path, tmp_path: Path
) -> None:
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / "echo"), "--http", http)
    variables = {**environ, "TMPDIR": str(tmp_path)}
    with RunningServer(limited, *arguments, environ=variables, log=tmp_path / "log") as server:
        server.wait_until_ready()
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2 * DESCRIPTORS)]
        # A quarter.
        wait_until(lambda: f"{_FULL}16 connections are open" in server.log(), "the server to be full")
        assert server.request("GET", "/readyz", port=server.health_port).status == 200
        for client in clients:
            client.close()
        assert server.request(body=b"x" * 100_000).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "BREW"])
@pytest.mark.parametrize("path", ["/health_check", "/livez", "/readyz", "/other"])
def test_the_management_port_answers_every_method_with_json(echoing: RunningServer, method: str, path: str) -> None:
    reply = echoing.request(method, path, port=echoing.health_port)

    assert reply.status == (404 if path == "/other" else 200)
    assert reply.headers["content-type"] == "application/json"
    assert reply.body.startswith(b"{") or method == "HEAD"


def test_the_management_port_does_not_look_at_bodies(echoing: RunningServer) -> None:
    form = {"Content-Type": "multipart/form-data"}

    assert echoing.request("POST", "/livez", b"no form", headers=form, port=echoing.health_port).status == 200


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
