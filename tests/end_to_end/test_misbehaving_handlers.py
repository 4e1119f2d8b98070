"""Whatever a handler does, its request gets one well-formed answer and the next one is served."""

import re
from collections.abc import Callable

import pytest

from tests.end_to_end.conftest import RunningServer, children_of, wait_until

HANDLER_FOLDER = "misbehaving"


@pytest.mark.parametrize(
    "deed", ["print", "flood", "chdir", "close", "close stdout", "environ", "umask", "signals", "fork"]
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
    assert server.do("nothing").status == 200
    assert not _is_alive(worker)


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 (a path of the kernel's)
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
