"""The log of a server as JSON: each line an object, each record its request's, nothing secret."""

import concurrent.futures
import json
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until

Start = Callable[..., RunningServer]

HANDLER = """
import json
import logging
import os
import sys
import threading

logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")


def handler(request, context):
    deed = request.read().decode()
    if deed == "print":
        print("on stdout")
        print("on stderr", file=sys.stderr)
        logging.getLogger("model").warning("something is odd")
    elif deed == "json":
        print(json.dumps({"message": "seen", "log_level": "warning", "cats": 2, "box": [1, {"x": None}], "worker": 77}))
        print('{"msg": "other", "level": "error"}')
        print('{"not": NaN}')
    elif deed == "traceback":
        try:
            {}["missing"]
        except KeyError:
            logging.getLogger("model").exception("it failed")
    elif deed == "long":
        try:
            raise ValueError("of two\\n\\nlines" + "x" * 5000)
        except ValueError:
            logging.getLogger("model").exception("it failed")
        print("after")
    elif deed == "thread":
        thread = threading.Thread(target=lambda: [].pop())
        thread.start()
        thread.join()
    elif deed == "raise":
        raise ValueError("no such cat")
    elif deed == "secret":
        print("the token is", os.environ["MY_TOKEN"], "and the header Authorization: Bearer abcdef-0123456789")
    elif deed.startswith("many "):
        for number in range(5):
            print(deed, number)
            print(json.dumps({"message": deed, "number": number}))
    return {"status_code": 200, "content_type": "text/plain", "content": "done"}
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{6})\+00:00")
SECRET = {"MY_TOKEN": "hush-hush-hush"}
JSON = {"ABEJA_RUNTIME_LOG_FORMAT": "json"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that prints."""
    folder = tmp_path / "cats"
    folder.mkdir()
    (folder / "main.py").write_text(HANDLER)
    return folder


@pytest.fixture
def server(start: Start, model: Path) -> RunningServer:
    """A server of it that logs JSON."""
    return ready(start("--model-dir", model, **JSON, **SECRET))


def ready(server: RunningServer) -> RunningServer:
    """The ports and the first worker, by the log."""
    match = server.wait_for_log(re.compile(r"listening on http://[\d.]+:(\d+) \(health on http://[\d.]+:(\d+)\)"))
    server.port, server.health_port = int(match[1]), int(match[2])
    server.wait_for_log(re.compile('"message": "ready: '))
    return server


def lines(server: RunningServer) -> list[dict[str, Any]]:
    """All lines; each is an object."""
    parsed = [json.loads(line, parse_constant=pytest.fail) for line in server.log().splitlines()]
    assert all(isinstance(line, dict) for line in parsed)
    return parsed


def said(server: RunningServer, deed: str, **headers: str) -> list[dict[str, Any]]:
    """The records of a request that does `deed`, without that of the access log, which is the last."""
    assert server.request(body=deed.encode(), headers={"X-Request-Id": deed, **headers}).status in (200, 500)

    def records() -> list[dict[str, Any]] | None:
        found = [line for line in lines(server) if line.get("request_id") == deed]
        return found if any(line.get("log_type") == "access_log" for line in found) else None

    return [line for line in wait_until(records, "the access log") if line.get("log_type") != "access_log"]


def test_every_line_has_the_fields_of_the_vendor(server: RunningServer) -> None:
    said(server, "print")
    assert server.stop() == 0

    for line in lines(server):
        assert line["log_level"] in ("debug", "info", "warning", "error", "fatal")
        assert TIME.fullmatch(line["timestamp"])
        assert line["model"] == "cats"
        assert line.get("log_type") == "access_log" or {"source", "message"} <= set(line)
    assert len({line["log_id"] for line in lines(server)}) == len(lines(server))


def test_access_log_has_the_fields_of_the_vendor_and_more(server: RunningServer) -> None:
    traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    headers = {"X-Request-Id": "me", "x-abeja-requester-id": "who", "traceparent": traceparent}
    server.request("POST", '/a"path?query', b"nothing", headers=headers)
    (line,) = wait_until(lambda: [one for one in lines(server) if one.get("log_type")], "the access log")

    assert line["http_method"] == "POST"
    assert (line["http_status"], line["path"], line["content_type"]) == (200, '/a"path', "text/plain")
    assert (line["request_id"], line["requester_id"], line["trace_id"]) == ("me", "who", TRACE)
    assert (line["request_bytes"], line["response_bytes"], line["worker"], line["outcome"]) == (7, 4, 1, "complete")
    assert line["queue_microsecs"] + line["handler_microsecs"] <= line["elapsed_microsecs"] < 30_000_000
    assert TIME.fullmatch(line["request_timestamp"])
    assert line["request_timestamp"] <= line["response_timestamp"]
    assert "query" not in server.log()


def test_prints_and_logging_are_records_of_their_request(server: RunningServer) -> None:
    traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    records = said(server, "print", traceparent=traceparent, **{"x-abeja-requester-id": "who"})

    assert [(line["message"], line["log_level"]) for line in records] == [
        ("on stdout", "info"),
        ("on stderr", "info"),
        ("WARNING model something is odd", "warning"),
    ]
    assert {(line["worker"], line["source"], line["trace_id"], line["requester_id"]) for line in records} == {
        (1, "handler", TRACE, "who")
    }


def test_json_that_a_handler_prints_is_kept_as_fields(server: RunningServer) -> None:
    first, second, third = said(server, "json")

    assert (first["message"], first["log_level"], first["cats"], first["box"]) == (
        "seen",
        "warning",
        2,
        [1, {"x": None}],
    )
    assert first["worker"] == 1
    assert (second["message"], second["log_level"]) == ("other", "error")
    assert third["message"] == '{"not": NaN}'


def test_traceback_is_one_record(server: RunningServer) -> None:
    (logged,) = said(server, "traceback")
    (threads,) = said(server, "thread")
    (raised,) = said(server, "raise")

    assert (logged["message"], logged["log_level"]) == ("ERROR model it failed", "error")
    assert logged["exc_info"].startswith("Traceback (most recent call last):\n")
    assert logged["exc_info"].endswith("KeyError: 'missing'")
    assert threads["message"].startswith("Exception in thread")
    assert threads["exc_info"].endswith("IndexError: pop from empty list")
    assert (raised["message"], raised["log_level"]) == ("unexpected error occurred in user model.", "error")
    assert raised["exc_info"].startswith("Traceback (most recent call last):\n")
    assert raised["exc_info"].endswith("ValueError: no such cat")


def test_exception_with_a_message_of_several_lines_is_one_record(server: RunningServer) -> None:
    logged, after = said(server, "long")

    assert logged["exc_info"].endswith("ValueError: of two\n\nlines" + "x" * 5000)
    assert (after["message"], after["log_level"]) == ("after", "info")


def test_secrets_are_never_shown(server: RunningServer) -> None:
    (line,) = said(server, "secret", Authorization="Basic aHVzaGh1c2g=")
    server.request("GET", "/hush-hush-hush")
    server.wait_for_log(re.compile('"path":"/\\*\\*\\*"'))

    assert line["message"] == "the token is *** and the header Authorization: Bearer ***"
    assert "hush-hush-hush" not in json.dumps(server.readiness()) + server.log()
    assert "aHVzaGh1c2g" not in server.log()


@pytest.mark.parametrize(
    "options", [("--workers", "2"), ("--concurrency", "8"), ("--workers", "2", "--concurrency", "4")]
)
def test_records_of_concurrent_requests_are_each_their_own(start: Start, model: Path, options: tuple[str, ...]) -> None:
    server = ready(start("--model-dir", model, *options, **JSON))

    def ask(number: int) -> None:
        deed = f"many {number}"
        assert server.request(body=deed.encode(), headers={"X-Request-Id": f"id-{number}"}).status == 200

    with concurrent.futures.ThreadPoolExecutor(32) as executor:
        list(executor.map(ask, range(64)))
    assert server.stop() == 0

    texts = [line for line in lines(server) if str(line.get("message", "")).startswith("many ")]
    assert len(texts) == 64 * 10
    for line in texts:
        assert line["request_id"] == f"id-{line['message'].split()[1]}"
    assert sum("number" in line for line in texts) == 64 * 5
    assert sorted(line["request_id"] for line in lines(server) if line.get("log_type")) == sorted(
        f"id-{number}" for number in range(64)
    )


def test_error_that_ends_the_program_is_a_record_too(start: Start, model: Path) -> None:
    (model / "main.py").write_text("import nothing_of_this_name\n")
    server = start("--model-dir", model, **JSON)

    assert server.process.wait(20) == 4

    *_, last = lines(server)
    assert (last["log_level"], last["error"]) == ("error", "handler-import-failed")
    assert "ModuleNotFoundError" in last["exc_info"]


def test_server_without_a_terminal_logs_json_unless_told_otherwise(start: Start, model: Path) -> None:
    server = ready(start("--model-dir", model, ABEJA_RUNTIME_LOG_FORMAT="auto"))

    assert lines(server)
    with socket.create_connection(("127.0.0.1", server.port)):
        pass


def test_what_people_run_by_hand_logs_text_also_into_a_pipe(
    command: Path, environ: dict[str, str], repository: Path
) -> None:
    folder = repository / "examples/tax"
    line = [
        str(command),
        "run-local",
        "--image-version=19.04",
        f"--model-dir={folder}",
        f"--input={folder}/request.json",
    ]
    variables = {**environ, "ABEJA_RUNTIME_LOG_FORMAT": ""}

    result = subprocess.run(line, env=variables, capture_output=True, text=True, check=True)

    assert "\nINFO: Loading user model handler with main:handler...\n" in result.stderr
