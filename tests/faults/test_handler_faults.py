"""Handlers that end, hang, break their process or return nonsense: one well-formed answer, and the next is 200."""

import http.client
import itertools
import json
import os
import re
import resource
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until
from tests.faults.processes import files_in, skip_unless_possible, spool_of

Start = Callable[..., RunningServer]

HANDLER_FOLDER = "hostile"

_MESSAGES = {
    500: "unexpected error occurred",
    502: "the worker died while it had the request",
    504: "the handler did not answer within 1 s",
}


@pytest.fixture(scope="module")
def impatient(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that gives its handler one second."""
    folder = tmp_path_factory.mktemp("impatient")
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / HANDLER_FOLDER), "--timeout", "1")
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as server:
        yield server.wait_until_ready()


class Client:
    """Asks on one connection, where a byte too many of one answer would be found in the next."""

    def __init__(self, server: RunningServer) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def do(self, deed: str) -> Reply:
        self._connection.request("POST", "/", json.dumps(deed))
        response = self._connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())


def _check(server: RunningServer, deed: str, status: int, *, after: tuple[str, ...] = ()) -> None:
    with Client(server) as client:
        reply = client.do(deed)
        _check_reply(reply, status)
        assert [client.do(next_).status for next_ in ("nothing", *after)] == [200] * (1 + len(after))


def _check_reply(reply: Reply, status: int) -> None:
    assert reply.status == status, reply.body[:200]
    if status != 200:
        assert sorted(reply.json()) == ["request_id", "status"]
        assert reply.json()["status"] == _MESSAGES[status]


@pytest.mark.parametrize(
    "deed",
    [
        "os._exit",
        "abort",
        "segv",
        "SIGKILL",
        "SIGTERM",
        "SIGKILL to the group",
        "exit atexit",
        "execv",
        "close all",
        "close really all",
        "fork and die, child holds",
        "replace builtins",
        "whole dies in a file",
        "stream dies at once",
    ],
)
def test_a_worker_that_ends_is_502_and_its_successor_serves(shared: RunningServer, deed: str) -> None:
    (before,) = wait_until(shared.children, "a worker")

    _check(shared, deed, 502, after=("large",))

    assert before not in shared.children()


def test_a_stack_that_overflows_breaks_nothing(shared: RunningServer) -> None:
    with Client(shared) as client:
        reply = client.do("overflow")
        _check_reply(reply, 502 if reply.status == 502 else 500)  # Python checks the depth in C since 3.12
        assert client.do("nothing").status == 200


@pytest.mark.parametrize("deed", ["SIGSTOP", "hold the GIL", "regex", "async never", "stream hangs at once"])
def test_a_handler_that_hangs_is_504_and_health_answers_meanwhile(impatient: RunningServer, deed: str) -> None:
    assert impatient.do("nothing").status == 200
    with impatient.connect() as connection:
        body = json.dumps(deed).encode()
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        wait_until(lambda: impatient.readiness()["workers"][0]["state"] == "busy", "the handler to run")
        began = time.monotonic()
        assert impatient.request("GET", "/health_check").status == 200
        assert impatient.request("GET", "/livez", port=impatient.health_port).status == 200
        assert time.monotonic() - began < 0.9, "health waited for the handler"
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 504 ")
    assert _MESSAGES[504].encode() in answer
    assert impatient.do("nothing").status == 200


# What these do stays done in their worker, which serves on; "interrupt later" and those that end later end it.
@pytest.mark.parametrize(
    ("deed", "after"),
    [
        ("exit in a thread", ("large", "async done")),
        ("close standard", ("large", "async done", "print later")),
        ("close standard and open", ("large", "async done", "print later")),
        ("replace low", ("large",)),
        ("replace streams", ("large", "async done", "print odd")),
        ("flood stdout", ("large",)),
        ("flood stderr", ("large",)),
        ("print odd", ("large",)),
        ("print later", ("large",)),
        ("chdir", ("large", "async done")),
        ("umask", ("large", "async done")),
        ("limit files", ()),
        ("limit file size", ("async done",)),
        ("ignore signals", ("large", "async done")),
        ("interrupt later", ()),
        ("alarm", ()),
        ("die later", ()),
        ("environ", ("large", "async done")),
        ("replace open", ("large", "async done")),
        ("replace json", ("large", "async done")),
        ("replace tempfile", ()),
        ("replace threading", ("large",)),
        ("replace time", ("large",)),
        ("replace modules", ()),
        ("gc", ("large", "async done")),
        ("freeze", ("large", "async done")),
        ("lower recursion limit", ("large", "async done")),
        ("fork, child returns", ("large", "async done")),
        ("fork, child exits", ("large", "async done")),
        ("fork, child raises", ("large", "async done")),
        ("fork, child ends", ("large", "async done")),
        ("fork, child answers late", ("large", "async done")),
        ("pool", ("large",)),
        ("spawn", ("large",)),
        ("leave threads", ("large", "async done")),
        ("spin", ("large",)),
        ("async closes the loop", ("large", "async done")),
        ("async leaves tasks", ("large", "async done")),
        ("delete body", ("large",)),
        ("detach body", ("large",)),
        ("close body", ("large",)),
        ("very large", ("large",)),
    ],
)
def test_what_a_handler_changes_breaks_no_answer(shared: RunningServer, deed: str, after: tuple[str, ...]) -> None:
    shared.do("SIGKILL")  # what the test before has changed is not in the new worker
    shared.do("async done")  # from here on there is an event loop

    _check(shared, deed, 200, after=after)


@pytest.mark.parametrize("deed", ["replace os", "replace socket", "replace channel", "trace"])
def test_what_breaks_the_worker_itself_is_an_error_and_the_next_is_served(shared: RunningServer, deed: str) -> None:
    shared.do("SIGKILL")

    with Client(shared) as client:
        reply = client.do(deed)
        _check_reply(reply, 500 if reply.status == 500 else 502)
        assert [client.do(after).status for after in ("nothing", "large")] == [200, 200]


@pytest.mark.parametrize(
    "deed",
    [
        # Raised.
        "SIGINT",
        "exit subclass",
        "exit with an object",
        "lack memory",
        "memory error",
        "unprintable",
        "huge text",
        "surrogates",
        "group",
        "stop iteration",
        "blocking",
        "timeout",
        "broken pipe",
        "interrupted",
        "async cancelled",
        "async stops the loop",
        # Returned.
        "return nothing",
        "return int",
        "return text",
        "return object",
        "return list",
        "return class",
        "content object",
        "content recursive",
        "content function",
        "content with a surrogate",
        "content type empty",
        "content type number",
        "content type two lines",
        "content type surrogate",
        "content type huge",
        "status 0",
        "status 99",
        "status 100",
        "status 1000",
        "status huge",
        "status -1",
        "status text",
        "status True",
        "status NaN",
        "status list",
        "metadata list",
        "metadata name CR",
        "metadata name empty",
        "metadata name colon",
        "metadata name unicode",
        "metadata name object",
        "metadata value LF",
        "metadata value NUL",
        "metadata value surrogate",
        "metadata value unprintable",
        "metadata huge",
        "metadata enormous",
        "metadata many",
        # Produced.
        "stream fails at once",
        "stream exits at once",
        "stream fails after a while",
        "stream of anything",
        "stream with a bad status",
        "whole fails",
        "whole fails in a file",
    ],
)
def test_what_cannot_be_answered_is_500_and_the_worker_lives_on(shared: RunningServer, deed: str) -> None:
    shared.do("nothing")
    before = shared.children()

    _check(shared, deed, 500, after=("large",))

    assert shared.children() == before


@pytest.mark.parametrize(
    "deed",
    [
        "metadata framing",
        "stream of none",
        "stream of empty pieces",
        "stream that cannot be closed",
        "stream forks",
    ],
)
def test_odd_answers_that_http_can_carry_are_200(shared: RunningServer, deed: str) -> None:
    _check(shared, deed, 200)


@pytest.mark.parametrize(
    "deed",
    [
        "stream fails",
        "stream exits",
        "stream dies",
        "stream hangs",
        "stream closes all",
        "async stream fails",
        "async stream hangs",
    ],
)
def test_a_streamed_answer_that_breaks_is_visibly_incomplete(impatient: RunningServer, deed: str) -> None:
    body = json.dumps(deed).encode()

    raw = impatient.exchange(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    head, _, pieces = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert pieces == b"5\r\npiece\r\n"  # without the last chunk, which says that it is complete
    assert impatient.do("nothing").status == 200


def test_nothing_is_left_in_the_spool_by_all_of_this(shared: RunningServer) -> None:
    _check(shared, "whole dies in a file", 502)
    spool = spool_of(shared)

    assert files_in(spool) == []
    assert len(list(spool.glob("worker-*"))) == 1


def test_a_temporary_folder_that_a_handler_clears_is_made_again(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / HANDLER_FOLDER, "--body-memory", "0").wait_until_ready()
    padded = json.dumps("nothing").encode() + b" " * 200_000

    assert server.do("clear TMPDIR").status == 200
    assert server.request(body=padded).status == 200
    assert server.do("clear TMPDIR").status == 200
    assert [server.do("large").status for _ in range(2)] == [507, 200]
    assert server.do("clear TMPDIR").status == 200
    assert server.do("os._exit").status == 502
    assert server.do("large").status == 200
    assert server.stop() == 0


def test_an_answer_whose_file_cannot_be_opened_is_500(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / HANDLER_FOLDER, "--body-memory", "0").wait_until_ready()
    with Client(server) as client:
        assert client.do("nothing").status == 200
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        in_use = {int(link.name) for link in Path(f"/proc/{server.process.pid}/fd").iterdir()}
        first_free = next(number for number in itertools.count() if number not in in_use)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (first_free, limits[1]))
        reply = client.do("large")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)

        _check_reply(reply, 500)
        assert [client.do(deed).status for deed in ("large", "nothing")] == [200, 200]
    assert files_in(spool_of(server)) == []


def test_files_that_a_handler_forbids_to_everyone_are_sent(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path: Path
) -> None:
    script = tmp_path / "server"
    # In a user namespace of its own root is nobody special either.
    script.write_text(f'#!/bin/sh\nexec unshare --user {shlex.quote(str(command))} "$@"\n')
    script.chmod(0o700)
    skip_unless_possible(["unshare", "--user", "true"])
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / HANDLER_FOLDER), "--body-memory", "0")
    with RunningServer(script, *arguments, environ={**environ, "TMPDIR": str(tmp_path)}, log=tmp_path / "log") as one:
        one.wait_until_ready()
        assert [one.do(deed).status for deed in ("umask", "large", "nothing")] == [200] * 3


def test_an_answer_while_the_body_still_arrives_is_the_only_one(shared: RunningServer) -> None:
    with shared.connect() as connection:
        connection.sendall(b"TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        raw = connection.recv(65536)
        connection.sendall(b"x" * 998_999)

    assert raw.startswith(b"HTTP/1.1 405 ")
    assert shared.do("nothing").status == 200


def test_a_handler_of_18_10_breaks_no_other_answer(command: Path, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os, sys, time\n"
        "def handler(inputs, context):\n"
        "    for (deed,) in inputs:\n"
        "        if deed == 'die': os._exit(1)\n"
        "        if deed == 'hang': time.sleep(600)\n"
        "        if deed == 'exit': sys.exit(1)\n"
        "        if deed == 'close': os.closerange(3, 1000)\n"
        "        if deed == 'object': yield object()\n"
        "        if deed == 'nothing': return\n"
        "        if deed == 'surrogate': yield context.datatypes.Response(['x'], metadata=[('x-a', '\\udc80')])\n"
        "        if deed == 'metadata': yield context.datatypes.Response(['x'], metadata=[('x\\r\\ny', '1')])\n"
        "        if deed == 'own': raise type('Own', (BaseException,), {})()\n"
        "        yield deed\n"
    )
    arguments = ("--image-version", "18.10", "--model-dir", str(tmp_path), "--timeout", "1")
    headers = {"Content-Type": "application/json"}
    with RunningServer(
        command, *arguments, environ={**environ, "TMPDIR": str(tmp_path)}, log=tmp_path / "log"
    ) as server:
        server.wait_until_ready()
        seen = {}
        for deed in ("die", "hang", "exit", "close", "object", "nothing", "surrogate", "metadata", "own"):
            reply = server.request(body=json.dumps([deed]).encode(), headers=headers)
            assert b"Traceback" not in reply.body
            seen[deed] = reply.status
            after = server.request(body=b'["well"]', headers=headers)
            assert (after.status, after.body) == (200, b'"well"')
    assert seen == {
        "die": 502,
        "hang": 504,
        "exit": 500,
        "close": 502,
        "object": 500,
        "nothing": 200,
        "surrogate": 500,
        "metadata": 500,
        "own": 500,
    }


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import sys\nsys.exit()", "importing 'main' ended the interpreter: SystemExit(None)"),
        ("import os\nos._exit(3)", "ended with exit code 3 before it was ready"),
        ("import os\nos.abort()", "was killed by SIGABRT before it was ready"),
        ("import os\nos.closerange(3, 1000)", "before it was ready"),
        ("raise KeyboardInterrupt", "importing 'main' failed: KeyboardInterrupt"),
        ("raise type('Own', (BaseException,), {})('mine')", "importing 'main' failed: Own: mine"),
        ("def handler(:", "importing 'main' failed: SyntaxError"),
        ("\0", "importing 'main' failed"),
        ("import no_such_module", "the module 'no_such_module' is not installed"),
        ("handler = 5", "it is a int and cannot be called"),
        ("handler = None", "it is a NoneType and cannot be called"),
        ("other = 1", "has no 'handler'"),
        ("import time, threading\nthreading.Thread(target=time.sleep, args=[600]).start()\n1/0", "ZeroDivisionError"),
        ("import os\nif os.fork() == 0:\n    import time; time.sleep(600)\nraise ValueError('parent')", "parent"),
    ],
)
def test_a_module_that_does_not_load_is_exit_code_4_with_the_reason(
    start: Start, tmp_path: Path, source: str, complaint: str
) -> None:
    (tmp_path / "main.py").write_text(source)
    began = time.monotonic()
    server = start("--model-dir", tmp_path)

    assert server.process.wait(20) == 4
    assert time.monotonic() - began < 8
    assert complaint in server.log()


@pytest.mark.parametrize(
    "source",
    [
        "print('x' * 3000000)\nfor _ in range(20000): print('line')\ndef handler(r, c): return {'content': 'ok'}",
        "import functools\ndef f(more, r, c): return {'content': more}\nhandler = functools.partial(f, 'ok')",
        "class Handler:\n    def __call__(self, r, c): return {'content': 'ok'}\nhandler = Handler()",
        "class handler(dict):\n    def __init__(self, r, c): super().__init__(content='ok')",
        "async def handler(r, c): return {'content': 'ok'}",
        "import sys\nsys.path.clear()\ndef handler(r, c): return {'content': 'ok'}",
        "import os\nos.chdir('/')\nos.environ.clear()\ndef handler(r, c): return {'content': 'ok'}",
        "import os\nif os.fork() == 0:\n    os._exit(0)\ndef handler(r, c): return {'content': 'ok'}",
        "import os\nos.fork()\ndef handler(r, c): return {'content': 'ok'}",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef handler(r, c): return {'content': 'ok'}",
    ],
)
def test_a_module_that_is_odd_but_loads_serves(start: Start, tmp_path: Path, source: str) -> None:
    (tmp_path / "main.py").write_text(source + "\n")
    server = start("--model-dir", tmp_path).wait_until_ready()

    assert [(reply.status, reply.body) for reply in (server.request(), server.request())] == [(200, b"ok")] * 2
    assert server.stop() == 0


def test_workers_that_do_not_end_by_themselves_are_killed_at_the_end(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / HANDLER_FOLDER, "--workers", "2").wait_until_ready()
    wait_until(lambda: len(server.readiness()["workers"]) == 2, "both to be ready")
    workers = server.children()
    assert server.do("leave threads").status == 200  # the interpreter waits for them when it ends
    (other,) = (worker["pid"] for worker in server.readiness()["workers"] if not worker["requests"])
    os.kill(other, signal.SIGSTOP)

    assert server.stop() == 0
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def test_what_a_handler_prints_keeps_its_own_lines(shared: RunningServer) -> None:
    request_id = shared.do("print odd").headers["x-request-id"]

    lines = [line for line in shared.log().splitlines() if line.endswith(f" [request {request_id}]")]
    assert all(re.match(r"INFO: (\[worker \d+\]|POST /) ", line) for line in lines)
    assert any("\x1b[31mred" in line for line in lines)
