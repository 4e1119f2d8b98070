"""Start, readiness, limits, stop: what the server says of itself, and what it leaves behind."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until

Start = Callable[..., RunningServer]


@pytest.fixture
def slow_to_import(tmp_path: Path) -> Path:
    """A model that is ready when the file `go` exists."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "main.py").write_text(
        "import os, time\n"
        "while not os.path.exists('go'):\n"
        "    time.sleep(0.01)\n"
        "def handler(request, context):\n"
        "    return {'content': 'ready'}\n"
    )
    return folder


def test_health_is_503_until_the_handler_is_loaded(start: Start, slow_to_import: Path) -> None:
    server = start("--model-dir", slow_to_import).wait_until_listening()

    for port in (server.port, server.health_port):
        assert _health(server, port) == (503, {"status": "service unavailable"})
    readiness = server.readiness()
    assert (readiness["status"], readiness["reason"]) == ("not ready", "the workers are starting")
    refused = server.request(body=b"x")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["reason"] == "the workers are starting"

    (slow_to_import / "go").touch()
    wait_until(lambda: _health(server, server.port)[0] == 200, "health to be ok")
    for port in (server.port, server.health_port):
        assert _health(server, port) == (200, {"status": "ok"})
    assert server.request("GET", "/livez", port=server.health_port).json() == {"status": "alive"}
    assert server.request("GET", "/other", port=server.health_port).status == 404
    assert server.request(body=b"x").body == b"ready"


def test_sigterm_while_the_handler_loads_stops_at_once(start: Start, slow_to_import: Path) -> None:
    server = start("--model-dir", slow_to_import).wait_until_listening()
    workers = wait_until(server.children, "the worker to start")

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(10) == 0
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_a_handler_that_does_not_become_ready_in_time_is_exit_code_4(start: Start, slow_to_import: Path) -> None:
    server = start("--model-dir", slow_to_import, "--startup-timeout", "0.3")

    assert server.process.wait(20) == 4
    assert "was not ready within 0.3 s (--startup-timeout)" in server.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_running_requests_finish_and_leaves_nothing(
    start: Start, handlers: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start("--model-dir", handlers / "misbehaving", TMPDIR=str(temporary)).wait_until_ready()
    workers = server.children()
    answered: list[Reply] = []
    client = threading.Thread(target=lambda: answered.append(server.do("nap")))
    client.start()
    _wait_until_busy(server)

    server.process.send_signal(number)
    client.join()

    assert server.process.wait(10) == 0
    assert [reply.status for reply in answered] == [200]
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert list(temporary.iterdir()) == []


def test_an_upload_that_was_admitted_is_served_after_the_signal(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo").wait_until_ready()
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc")
        assert server.request(path="/barrier").status == 200
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log(_regex("INFO: stopping"))
        connection.sendall(b"def")
        raw = b"".join(iter(lambda: connection.recv(65536), b""))

    assert raw.startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(10) == 0


def test_a_second_signal_stops_at_once(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    (worker,) = server.children()
    answered: list[Reply] = []
    client = threading.Thread(target=lambda: answered.append(server.do("sleep")))
    client.start()
    _wait_until_busy(server)

    server.process.send_signal(signal.SIGTERM)
    server.wait_for_log(_regex("INFO: stopping"))
    server.process.send_signal(signal.SIGTERM)
    client.join()

    assert server.process.wait(10) == 0
    assert [reply.status for reply in answered] == [502]
    assert not Path(f"/proc/{worker}").exists()


def test_a_busy_worker_does_not_outlive_a_killed_server(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    (worker,) = server.children()
    with server.connect() as connection:
        connection.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"sleep"')
        _wait_until_busy(server)
        server.process.kill()
        server.process.wait()

    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the worker to end")


def test_requests_beyond_the_queue_are_429(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--queue", "0").wait_until_ready()
    with server.connect() as connection:
        connection.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"sleep"')
        _wait_until_busy(server)
        reply = server.do("nothing")

    assert (reply.status, reply.headers["retry-after"]) == (429, "1")


def test_two_workers_serve_two_requests_at_once(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--workers", "2").wait_until_ready()
    with server.connect() as connection:
        connection.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"sleep"')
        _wait_until_busy(server)
        assert server.do("nothing").status == 200


def test_a_waiting_request_whose_client_left_is_not_run(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    with server.connect() as busy:
        busy.sendall(b'POST /busy HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"nap"')
        _wait_until_busy(server)
        with server.connect() as leaving:
            leaving.sendall(b'POST /left HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"print"')
        server.wait_for_log(_regex(r"POST /left 0 .*\(the client has left\)"))
        assert server.do("nothing").status == 200

    assert "to stdout" not in server.log()


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_above_the_limit_is_413_with_the_limit(start: Start, handlers: Path, *, is_announced: bool) -> None:
    server = start("--model-dir", handlers / "echo", "--max-body", "100K").wait_until_ready()
    body = b"x" * 300_000

    reply = server.request(body=body if is_announced else iter([body[:200_000], body[200_000:]]))

    assert (reply.status, reply.json()["limit_bytes"]) == (413, 102_400)
    assert server.request(body=b"x" * 102_400).status == 200


def test_a_client_that_asks_before_it_sends_gets_413_instead_of_100(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--max-body", "1K").wait_until_ready()

    raw = server.exchange(
        b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n"
    )

    assert raw.startswith(b"HTTP/1.1 413 ")
    assert b"100 (Continue)" not in raw


def test_spool_files_are_private_and_gone_after_the_answer(start: Start, handlers: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start(
        "--model-dir", handlers / "misbehaving", "--body-memory", "0", TMPDIR=str(temporary)
    ).wait_until_ready()
    padded = json.dumps("nap").encode() + b" " * 200_000
    client = threading.Thread(target=lambda: server.request(body=padded))
    client.start()
    (spool,) = temporary.iterdir()
    (file,) = wait_until(lambda: list(spool.rglob("body-*")), "the body to be spooled")

    assert (spool.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    client.join()
    assert list(spool.rglob("body-*")) == []


def test_a_killed_worker_leaves_no_file(start: Start, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "main.py").write_text(
        "import time\n"
        "def handler(request, context):\n"
        "    def content():\n"
        "        yield b'x' * 1000000\n"
        "        time.sleep(600)\n"
        "    return {'content': list(content()) if request['path'] == '/list' else Content(content())}\n"
        "class Content:\n"
        "    def __init__(self, items):\n"
        "        self.items = items\n"
        "    def __iter__(self):\n"
        "        return self.items\n"
    )
    server = start("--model-dir", tmp_path, "--timeout", "0.5", TMPDIR=str(temporary)).wait_until_ready()

    assert server.request().status == 504
    assert server.request("GET", "/health_check").status in (200, 503)
    wait_until(lambda: not list(temporary.glob("*/*/answer-*")), "the half-written answer to go")


def test_a_broken_upload_leaves_no_file(start: Start, handlers: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start("--model-dir", handlers / "echo", "--body-memory", "0", TMPDIR=str(temporary)).wait_until_ready()
    (spool,) = temporary.iterdir()
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 200_000)
        wait_until(lambda: list(spool.rglob("body-*")), "the body to be spooled")

    wait_until(lambda: not list(spool.rglob("body-*")), "the file to be removed")
    server.request(path="/after")
    server.wait_for_log(re.compile("^INFO: POST /after", re.MULTILINE))
    assert re.findall(r"^INFO: (POST \S+ \d+) .*?B(.*) \[", server.log(), re.MULTILINE) == [
        ("POST / 0", " (the client has left)"),
        ("POST /after 200", ""),
    ]


def test_a_port_in_use_is_exit_code_5(start: Start, handlers: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start("--model-dir", handlers / "echo", "--port", port)

        assert server.process.wait(20) == 5
    assert f"port-in-use: port {port} of 127.0.0.1 is in use." in server.log()
    assert "Loading user model handler" not in server.log()


def test_a_tmpdir_that_is_no_folder_is_worth_a_warning(start: Start, handlers: Path, tmp_path: Path) -> None:
    server = start("--model-dir", handlers / "echo", TMPDIR=str(tmp_path / "gone")).wait_until_ready()

    assert re.search(
        rf"^WARNING: large bodies go to \S+: .* TMPDIR, which is {tmp_path}/gone$", server.log(), re.MULTILINE
    )
    assert server.request(body=b"x").status == 200


def test_an_address_of_another_machine_is_no_matter_of_the_port(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--host", "203.0.113.7")

    assert server.process.wait(20) == 2
    assert "option-invalid: --host 203.0.113.7: expected an address of this machine" in server.log()


def test_a_full_disk_is_507_for_that_request(start: Start, handlers: Path, tmp_path: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--body-memory", "0").wait_until_ready()
    (spool,) = tmp_path.glob("abeja-runtime-*")
    spool.chmod(0o500)
    if os.access(spool, os.W_OK):
        # Root may write into any folder, so this is none.
        spool.rename(tmp_path / "moved")
        spool.touch()

    reply = server.request(body=b"x" * 200_000)

    assert (reply.status, reply.json()["status"]) == (507, "the body could not be stored")
    assert server.request(body=b"x").status == 200


def test_run_local_server_says_where_it_is(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path: Path
) -> None:
    arguments = ["run-local-server", "-i", "abeja/all-cpu:19.04", "-h", "main:handler", "-d", "x86_cpu"]
    with subprocess.Popen(
        [command, *arguments, "--model-dir", handlers / "echo"],
        env={**environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        banner = "".join(iter(process.stdout.readline, "press Ctrl + C to stop\n"))
        port = int(_regex(r"Endpoint : http://localhost:(\d+)").search(banner)[1])  # type: ignore[index] # it is there
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/x")
        assert json.load(connection.getresponse())["path"] == "/x"
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert "Handler :  main:handler" in banner
    assert "Image :    abeja/all-cpu:19.04" in banner


def _regex(pattern: str) -> "re.Pattern[str]":
    return re.compile(pattern, re.MULTILINE)


def _health(server: RunningServer, port: int) -> tuple[int, object]:
    reply = server.request("GET", "/health_check", port=port)
    return reply.status, reply.json()


def _wait_until_busy(server: RunningServer) -> None:
    server.wait_for_log(_regex(r"\] busy \["))
