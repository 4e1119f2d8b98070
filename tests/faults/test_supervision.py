"""How workers end, what is said of it, and what is left of them."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until
from tests.faults.processes import descriptors_at_rest, spool_of

Start = Callable[..., RunningServer]

# Starts a child in each of three ways, and answers with their pids.
CHILDREN = """
import os, subprocess, sys, time
def daemon():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    os.wait()
    return int(os.read(reader, 20))
def handler(request, context):
    children = [subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sleep", "600"], start_new_session=True)]
    if request["query"] == "end":
        os._exit(0)
    pids = [child.pid for child in children] + [daemon()]
    return {"content_type": "application/json", "content": {"pids": pids}}
"""


@pytest.mark.parametrize(
    ("deed", "reason", "cause"),
    [
        ("kill", "was killed by SIGKILL", "SIGKILL"),
        ("segv", "was killed by SIGSEGV", "SIGSEGV"),
        ("os._exit", "ended with exit code 7", "exit-7"),
    ],
)
def test_readiness_names_how_the_last_worker_ended_within_a_second(
    start: Start, handlers: Path, deed: str, reason: str, cause: str
) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    server.do("print")

    refused = server.do(deed)
    asked_s = time.monotonic()
    last_exit = wait_until(lambda: server.readiness()["last_exit"], "the exit to be named", limit_s=1)

    assert time.monotonic() - asked_s < 1
    assert (last_exit["worker"], last_exit["reason"], last_exit["cause"]) == (1, reason, cause)
    assert last_exit["output"][:2] == ["to stderr", "to stdout"] or "to stdout" in last_exit["output"]
    assert refused.status == 502
    assert b"SIG" not in refused.body
    assert b"exit" not in refused.body
    server.wait_for_log(re.compile(rf"ERROR: worker 1 {reason}; it is replaced"))


def test_readiness_names_the_model_and_its_workers(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--workers", "2").wait_until_ready()
    server.do("nothing")

    readiness = server.readiness()

    model, workers = readiness["model"], readiness["workers"]
    assert (model["handler"], model["image_version"], model["abi"]) == ("main:handler", "19.04", "19.04")
    assert sorted(worker["pid"] for worker in workers) == sorted(server.children())
    assert [worker["state"] for worker in workers] == ["idle", "idle"]
    assert sum(worker["requests"] for worker in workers) == 1
    assert all(worker["resident_bytes"] > 1_000_000 for worker in workers)


def test_metrics_count_how_workers_end(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--workers", "2").wait_until_ready()
    for deed in ("kill", "kill", "os._exit"):
        assert server.do(deed).status == 502

    def are_replaced() -> bool:
        return [worker["state"] for worker in server.readiness()["workers"]] == ["idle", "idle"]

    wait_until(are_replaced, "the workers to be replaced")

    metrics = server.metrics()

    assert metrics['abeja_runtime_worker_exits_total{cause="SIGKILL"}'] == 2
    assert metrics['abeja_runtime_worker_exits_total{cause="exit-7"}'] == 1
    assert metrics["abeja_runtime_ready"] == 1
    assert metrics["abeja_runtime_queue_requests"] == 0
    assert metrics['abeja_runtime_build_info{abi="19.04",image_version="19.04",version="0.1.0"}'] == 1
    assert all(value > 1_000_000 for name, value in metrics.items() if "resident" in name)


def test_every_metric_is_documented(start: Start, handlers: Path, repository: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving", "--fronts", "2").wait_until_ready()
    server.do("kill")
    os.kill(server.fronts()[0], signal.SIGKILL)
    server.wait_for_log(re.compile("^ERROR: front .* it is replaced$", re.MULTILINE))
    page = (repository / "docs/reference/metrics.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(abeja_runtime_\w+)`", page, re.MULTILINE)
    assert len(documented) == len(set(documented))

    assert server.metric_names() == set(documented)


def test_health_is_503_while_no_worker_can_serve_and_200_when_one_can_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os, time\n"
        "while os.path.exists('stop'):\n"
        "    time.sleep(0.01)\n"
        "def handler(request, context):\n"
        "    open('stop', 'w').close()\n"
        "    os._exit(1)\n"
    )
    server = start("--model-dir", tmp_path).wait_until_ready()

    assert server.request().status == 502
    statuses = [server.request("GET", "/health_check", port=port).status for port in (server.port, server.health_port)]
    assert statuses == [503, 503]
    assert server.request("GET", "/livez", port=server.health_port).status == 200
    (tmp_path / "stop").unlink()
    wait_until(lambda: server.request("GET", "/health_check").status == 200, "health to be ok again")


def test_starts_that_fail_leave_nothing(start: Start, handlers: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    server = start("--model-dir", handlers / "echo", "--python", python).wait_until_ready()
    before = descriptors_at_rest(server)
    python.unlink()
    for _ in range(3):
        failed = _failed_starts(server)
        server.process.send_signal(signal.SIGHUP)
        wait_until(partial(_has_failed_again, server, failed), "the start to fail")

    assert [path.name for path in spool_of(server).glob("worker-*")] == ["worker-1"]
    assert descriptors_at_rest(server) == before
    assert server.request().status == 200


@pytest.mark.parametrize("end", ["worker", "SIGTERM", "SIGKILL"])
def test_what_a_handler_started_ends_with_its_worker(start: Start, tmp_path: Path, end: str) -> None:
    (tmp_path / "main.py").write_text(CHILDREN)
    server = start("--model-dir", tmp_path).wait_until_ready()
    (worker,) = server.children()
    children = server.request().json()["pids"]
    assert all(_is_alive(pid) for pid in children)

    if end == "worker":
        assert server.request(path="/?end").status == 502
    elif end == "SIGTERM":
        assert server.stop() == 0
    else:
        server.process.kill()
        server.process.wait()

    wait_until(lambda: not any(_is_alive(pid) for pid in [worker, *children]), "all of them to end")


def test_a_killed_server_leaves_no_file(start: Start, handlers: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start("--model-dir", handlers / "misbehaving", TMPDIR=str(temporary)).wait_until_ready()
    assert list(temporary.iterdir())

    server.process.kill()
    server.process.wait()

    wait_until(lambda: not list(temporary.iterdir()), "the spool folder to go")


def test_what_a_killed_server_left_is_swept_and_what_a_living_one_has_is_not(
    start: Start, handlers: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    left = temporary / "abeja-runtime-spool-left"
    left.mkdir(mode=0o700)
    (left / "body-1").write_bytes(b"secret")
    foreign = temporary / "abeja-runtime-spool-notes"
    foreign.mkdir(mode=0o755)
    living = start("--model-dir", handlers / "echo", TMPDIR=str(temporary)).wait_until_ready()
    assert not left.exists()
    (spool,) = (folder for folder in temporary.iterdir() if folder != foreign)

    start("--model-dir", handlers / "echo", TMPDIR=str(temporary)).wait_until_ready()

    assert spool.exists()
    assert foreign.exists()
    assert living.request(body=b"x" * 200_000).status == 200


def test_one_of_two_workers_that_loads_is_enough(start: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os, time\n"
        "try:\n"
        "    os.mkdir('first')\n"
        "except FileExistsError:\n"
        "    time.sleep(0.5)\n"
        "    raise RuntimeError('only one fits')\n"
        "def handler(request, context):\n"
        "    return {'content': 'x'}\n"
    )
    server = start("--model-dir", tmp_path, "--workers", "2").wait_until_ready()

    assert server.request().status == 200
    readiness = server.readiness()
    assert readiness["status"] == "ready"
    assert "only one fits" in readiness["last_exit"]["reason"]


def test_the_guardian_is_no_child_and_ends_with_the_server(start: Start, handlers: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start("--model-dir", handlers / "echo", TMPDIR=str(temporary)).wait_until_ready()
    (spool,) = temporary.iterdir()
    (guardian,) = _processes_about(spool)

    assert guardian not in server.children()
    os.kill(guardian, signal.SIGKILL)
    assert server.request(body=b"x").status == 200
    assert server.stop() == 0
    assert _processes_about(spool) == []


def _processes_about(folder: Path) -> list[int]:
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/cmdline") if _mentions(file, folder)]


def _mentions(command_line: Path, folder: Path) -> bool:
    try:
        words = command_line.read_bytes().split(b"\0")
    except OSError:  # it has gone
        return False
    return any(word.endswith(b"guardian_main.py") for word in words) and str(folder).encode() in words


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _failed_starts(server: RunningServer) -> int:
    return int(server.readiness()["exits"].get("not-started", 0))


def _has_failed_again(server: RunningServer, before: int) -> bool:
    return _failed_starts(server) > before
