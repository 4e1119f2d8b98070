"""Whatever a handler does, its request gets one well-formed answer and the next one is served."""

import re
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, children_of, wait_until

HANDLER_FOLDER = "misbehaving"


@pytest.mark.parametrize(
    "deed",
    [
        "print",
        "flood",
        "chdir",
        "close",
        "close stdout",
        "environ",
        "umask",
        "signals",
        "fork",
        "replace json",
        "replace stdout",
    ],
)
def test_what_a_handler_does_to_its_process_breaks_nothing(
    start: Callable[..., RunningServer], handlers: object, deed: str
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()

    pids = [server.do(deed).json()["pid"] for _ in range(2)]

    assert server.do("nothing").json()["pid"] == pids[0] == pids[1]
    assert server.stop() == 0


@pytest.mark.parametrize(
    "deed",
    [
        "sys.exit",
        "quit",
        "keyboard",
        "generator exit",
        "own",
        "unprintable",
        "recursion",
        "connection",
        "eof",
        "be verbose",
        "unknown",
    ],
)
def test_whatever_a_handler_raises_is_500_and_the_worker_lives_on(shared: RunningServer, deed: str) -> None:
    pid = shared.do("nothing").json()["pid"]

    reply = shared.do(deed)

    assert (reply.status, reply.json()["status"]) == (500, "unexpected error occurred")
    assert shared.do("nothing").json()["pid"] == pid


def test_output_is_in_the_log_with_worker_and_request(shared: RunningServer) -> None:
    request_id = shared.do("print").headers["x-request-id"]

    for text in ("to stdout", "to stderr", "raw"):
        assert re.search(rf"^INFO: \[worker \d+\] {text} \[request {request_id}\]$", shared.log(), re.MULTILINE)


def test_a_flood_of_output_is_in_the_log(shared: RunningServer) -> None:
    shared.do("flood")

    shared.wait_for_log(re.compile(r"\] line 19999 \["))


@pytest.mark.parametrize(
    ("deed", "reason"),
    [("os._exit", "ended with exit code 7"), ("kill", "was killed by SIGKILL"), ("segv", "was killed by SIGSEGV")],
)
def test_death_of_a_worker_is_502_for_its_request_alone(
    start: Callable[..., RunningServer], handlers: object, deed: str, reason: str
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()
    first = server.do("nothing").json()["pid"]

    reply = server.do(deed)

    assert (reply.status, reply.json()["status"]) == (502, "the worker died while it had the request")
    assert reason in server.log()
    # A request that comes before the successor is ready waits for it.
    assert server.do("nothing").json()["pid"] != first
    assert server.stop() == 0


def test_a_child_that_outlives_its_request_does_not_hold_the_answer(
    start: Callable[..., RunningServer], handlers: object
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()

    assert server.do("hold open").status == 200
    (worker,) = server.children()
    (child,) = children_of(worker)
    assert server.do("os._exit").status == 502
    wait_until(lambda: not _is_alive(child), "the child to end with its worker")


def test_a_handler_that_takes_too_long_is_504_and_replaced(
    start: Callable[..., RunningServer], handlers: object
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}", "--timeout", "0.5").wait_until_ready()
    (worker,) = server.children()

    reply = server.do("sleep")

    assert (reply.status, reply.json()["status"]) == (504, "the handler did not answer within 0.5 s")
    request_id = reply.json()["request_id"]
    said = f"ERROR: deadline-exceeded: the worker took longer than --timeout [request {request_id}]"
    server.wait_for_log(re.compile(re.escape(said)))
    assert server.do("nothing").status == 200
    assert not _is_alive(worker)


def test_output_faster_than_it_is_read_does_not_stop_the_server(
    start: Callable[..., RunningServer], handlers: object
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()

    began = time.monotonic()
    assert server.do("flood in background").status == 200
    assert [server.do("nothing").status for _ in range(5)] == [200] * 5
    assert server.request("GET", "/health_check").status == 200
    assert time.monotonic() - began < 2, "the answers came only after the flood"


def test_a_worker_may_say_bye(start: Callable[..., RunningServer], handlers: object) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()
    server.do("say bye")

    assert server.stop() == 0
    assert "] bye" in server.log()


def test_a_refused_stream_gives_its_worker_back(start: Callable[..., RunningServer], handlers: object) -> None:
    server = start("--model-dir", f"{handlers}/answers", "--timeout", "1").wait_until_ready()

    assert server.request("GET", "/refused-stream").status == 500
    assert server.request("GET", "/stream").status == 200


def test_a_slow_client_is_not_the_handlers_fault(start: Callable[..., RunningServer], handlers: object) -> None:
    server = start("--model-dir", f"{handlers}/answers", "--timeout", "0.5").wait_until_ready()
    received = 0
    with server.connect() as connection:
        connection.sendall(b"GET /patient HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        time.sleep(1)
        while data := connection.recv(1 << 20):
            received += len(data)

    assert received > 10_000_000
    assert "--timeout" not in server.log()


def test_a_model_that_falls_over_by_itself_is_not_restarted_in_a_storm(
    start: Callable[..., RunningServer], tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(
        "import os, threading\n"
        "threading.Timer(0.05, lambda: os._exit(0)).start()\n"
        "def handler(request, context):\n"
        "    return {}\n"
    )
    server = start("--model-dir", tmp_path).wait_until_ready()

    server.wait_for_log(re.compile(r"worker 3 ended with exit code 0; it is replaced"))
    readiness = server.readiness()
    assert readiness["status"] == "not ready"
    assert readiness["reason"] == "no worker is ready: worker 3 ended with exit code 0"
    assert server.stop() == 0


def test_a_worker_that_cannot_be_started_for_lack_of_descriptors_is_started_later(
    start: Callable[..., RunningServer], handlers: object
) -> None:
    server = start("--model-dir", f"{handlers}/{HANDLER_FOLDER}").wait_until_ready()
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    in_use = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (in_use + 1, limits[1]))

    assert server.do("os._exit").status == 502
    server.wait_for_log(re.compile("a worker could not be started"))
    assert server.request("GET", "/readyz", port=server.health_port).status == 503
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)

    wait_until(lambda: server.do("nothing").status == 200, "the worker to be replaced")
    assert server.stop() == 0


def test_readiness_names_why_a_handler_does_not_load_any_more(
    start: Callable[..., RunningServer], tmp_path: Path
) -> None:
    module = tmp_path / "main.py"
    module.write_text("import os\ndef handler(request, context):\n    os._exit(1)\n")
    server = start("--model-dir", tmp_path).wait_until_ready()
    module.write_text("raise RuntimeError('no weights')\n")

    assert server.request().status == 502
    server.wait_for_log(re.compile("a worker could not be started"))
    why = "could not load the handler: importing 'main' failed: RuntimeError: no weights"
    assert server.readiness()["reason"] == f"no worker is ready: worker 2 {why}"
    refused = server.request()
    assert (refused.status, refused.json()["reason"]) == (503, "no worker is ready")
    module.write_text("def handler(request, context):\n    return {'content': 'mended'}\n")
    wait_until(lambda: server.request().body == b"mended", "the server to recover")


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 (a path of the kernel's)
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
