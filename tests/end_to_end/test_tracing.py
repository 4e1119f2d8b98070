"""Spans arrive at a collector that speaks OTLP."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import RunningServer

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

Start = Callable[..., RunningServer]

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps what it is sent.

    Attributes:
        spans: all of them.
        resources: attributes of what sent them.
    """

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Receiver)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        collector = self.server
        assert isinstance(collector, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = trace_service.ExportTraceServiceRequest()
        message.ParseFromString(body)
        for resource in message.resource_spans:
            collector.resources.append(attributes(resource.resource))
            for scope in resource.scope_spans:
                collector.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One that runs."""
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def attributes(of: Any) -> dict[str, Any]:
    """As a mapping."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


def test_request_is_a_span_of_the_clients_trace_with_its_stages(
    start: Start, handlers: Path, collector: Collector
) -> None:
    server = start("--model-dir", handlers / "echo", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).wait_until_ready()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
    assert server.request("POST", "/here?secret", b"x", headers=headers).status == 200
    assert server.stop() == 0

    by_name = {span.name: span for span in collector.spans}
    assert sorted(by_name) == ["POST", "handler", "queue", "receive", "send"]
    whole = by_name.pop("POST")
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    found = attributes(whole)
    assert found["http.response.status_code"] == 200
    assert (found["url.path"], found["abeja.request_id"], found["abeja.worker"]) == ("/here", "mine", 1)
    stages = [by_name[name] for name in ("receive", "queue", "handler", "send")]
    assert {(stage.trace_id, stage.parent_span_id) for stage in stages} == {(whole.trace_id, whole.span_id)}
    ends = [whole.start_time_unix_nano, *(stage.end_time_unix_nano for stage in stages)]
    assert ends == sorted(ends)
    assert [stage.start_time_unix_nano for stage in stages] == ends[:-1]
    assert ends[-1] == whole.end_time_unix_nano
    assert collector.resources[0]["service.name"] == "echo"


def test_request_without_a_trace_begins_one_and_an_error_is_named(
    start: Start, handlers: Path, collector: Collector
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "mine"}
    server = start("--model-dir", handlers / "misbehaving", **variables).wait_until_ready()
    assert server.do("kill").status == 502
    assert server.request("OPTIONS").status == 405
    assert server.stop() == 0

    died, refused = (span for span in collector.spans if not span.parent_span_id)
    assert (attributes(died)["error.type"], died.status.message) == ("worker-died", "worker-died")
    assert attributes(refused)["error.type"] == "method-not-allowed"
    assert [span.name for span in collector.spans if span.parent_span_id == refused.span_id] == ["receive"]
    assert collector.resources[0]["service.name"] == "mine"


def test_exporter_that_is_not_installed_is_a_warning(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", OTEL_TRACES_EXPORTER="carrier-pigeon").wait_until_ready()

    assert server.request().status == 200
    assert "WARNING: requests are not traced: LookupError: no exporter 'carrier-pigeon' is installed" in server.log()
