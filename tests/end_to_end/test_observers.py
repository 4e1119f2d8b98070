"""Observers of a plugin hear what happens while a model is served."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until

Start = Callable[..., RunningServer]

PLUGIN = """
import json
from pathlib import Path

from abeja.runtime import hookimpl

FILE = Path(__file__).with_name("events")


@hookimpl
def abeja_observers(service):
    service.variables["FROM_OBSERVER"] = "seen"
    service.closing(lambda: write("closed", state=service.state().is_ready))
    yield Observer()


@hookimpl
def abeja_worker_ended(worker):
    write("worker", cause=worker.cause, is_expected=worker.is_expected)


class Observer:
    @hookimpl
    def abeja_requests_answered(self, records):
        for record in records:
            write("request", **record._asdict())


def write(kind, **fields):
    with FILE.open("a") as file:
        print(json.dumps(dict(fields, kind=kind)), file=file)
"""
HANDLER = """
import os


def handler(request, context):
    if request.read() == b"die":
        os._exit(3)
    return {"status_code": 200, "content_type": "text/plain", "content": os.environ["FROM_OBSERVER"]}
"""
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model beside a plugin."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(HANDLER)
    (tmp_path / "watching.py").write_text(PLUGIN)
    return folder


def events(tmp_path: Path) -> list[dict[str, Any]]:
    """What the plugin has written."""
    file = tmp_path / "events"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_observers_are_told_of_requests_of_workers_and_of_the_end(start: Start, model: Path, tmp_path: Path) -> None:
    server = start("--model-dir", model, "--plugin", tmp_path / "watching.py").wait_until_ready()
    headers = {"X-Request-Id": "one", "traceparent": TRACEPARENT, "x-abeja-requester-id": "me"}

    assert server.request("POST", "/path?secret", b"body", headers=headers).body == b"seen"
    assert server.request("OPTIONS", headers={"X-Request-Id": "two", "traceparent": "00-wrong"}).status == 405
    assert server.request("GET", "/health_check").status == 200
    assert server.request("POST", "/", b"die", headers={"X-Request-Id": "three"}).status == 502
    wait_until(lambda: server.readiness()["status"] == "ready", "another worker")
    assert server.stop() == 0

    told = events(tmp_path)
    assert [event["kind"] for event in told if event["kind"] != "request"] == ["worker", "worker", "closed"]
    assert [event["cause"] for event in told if event["kind"] == "worker"] == ["exit-3", "exit-0"]
    one, two, three = (event for event in told if event["kind"] == "request")
    assert (one["request_id"], one["method"], one["path"]) == ("one", "POST", "/path")
    assert (one["traceparent"], one["requester_id"], one["client_ip"]) == (TRACEPARENT, "me", "127.0.0.1")
    assert (one["status"], one["content_type"], one["error"], one["outcome"]) == (200, "text/plain", "", "complete")
    assert (one["request_bytes"], one["response_bytes"], one["worker"]) == (4, 4, 1)
    assert one["received_s"] <= one["queued_s"] <= one["leased_s"] <= one["answered_s"] <= one["sent_s"]
    assert (two["status"], two["error"], two["worker"], two["leased_s"]) == (405, "method-not-allowed", 0, None)
    assert (two["traceparent"], two["method"]) == ("", "OPTIONS")
    assert (three["status"], three["error"], three["worker"]) == (502, "worker-died", 1)


def test_client_that_leaves_is_told_of_too(start: Start, model: Path, tmp_path: Path) -> None:
    server = start("--model-dir", model, "--plugin", tmp_path / "watching.py").wait_until_ready()
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf of it")
        wait_until(lambda: server.metrics()["abeja_runtime_requests_in_flight"] == 1, "the request to be read")
    (event,) = wait_until(lambda: events(tmp_path), "the event")

    assert (event["outcome"], event["status"], event["request_bytes"]) == ("left", 0, 10)


def test_observer_that_fails_costs_no_request(start: Start, model: Path, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(
        "from abeja.runtime import hookimpl\n\n\n"
        "@hookimpl\ndef abeja_requests_answered(records):\n    raise KeyError(records[0].path)\n"
    )
    (tmp_path / "broken.py").write_text(
        "from abeja.runtime import hookimpl\n\n\n@hookimpl\ndef abeja_observers(service):\n    yield object()\n"
    )
    plugins = [f"--plugin={tmp_path / name}.py" for name in ("failing", "broken", "watching")]
    server = start("--model-dir", model, *plugins).wait_until_ready()

    for number in range(3):
        assert server.request("POST", f"/{number}").status == 200
        wait_until(lambda: len(events(tmp_path)) == number + 1, "the event")  # noqa: B023 (called at once)

    assert len(re.findall("asked by abeja_requests_answered, raised, and is told of nothing more", server.log())) == 1
    assert "KeyError: '/0'" in server.log()
    assert re.search(r"WARNING: plugin-hook-missing: the plugin broken \(.*\) implements no hook", server.log())
