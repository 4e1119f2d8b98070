"""What ``/metrics`` says is what the clients and the handler have seen."""

import concurrent.futures
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer

Start = Callable[..., RunningServer]

HANDLER = """
import os
import socket

SOCKET = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def send(text):
    SOCKET.sendto(text.encode(), os.environ["ABEJA_RUNTIME_METRICS_SOCKET"])


def handler(request, context):
    deed = request.read().decode()
    send("deeds:1|c|#deed:%s\\nsize:%d|h" % (deed, len(deed)))
    if deed == "die":
        os._exit(7)
    if deed == "raise":
        raise ValueError(deed)
    if deed == "nonsense":
        send("nonsense")
    return {"status_code": 404 if deed == "miss" else 200, "content_type": "text/plain", "content": deed}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that counts what it does."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(HANDLER)
    return folder


def sums(server: RunningServer, name: str, label: str) -> dict[str, float]:
    """The values of a metric by one of its labels."""
    found: Counter[str] = Counter()
    for key, value in server.metrics().items():
        if key.startswith(f"{name}{{"):
            found[key.partition(f'{label}="')[2].partition('"')[0]] += int(value)
    return dict(found)


@pytest.mark.parametrize("options", [("--workers", "2"), ("--concurrency", "4", "--max-requests", "40")])
def test_sums_are_what_clients_counted_across_restarts(start: Start, model: Path, options: tuple[str, ...]) -> None:
    server = start("--model-dir", model, *options).wait_until_ready()
    deeds = ["work"] * 150 + ["miss"] * 20 + ["raise"] * 20 + ["die"] * 4
    random.Random(1).shuffle(deeds)  # noqa: S311 (the same order in each run)

    def ask(deed: str) -> int:
        return server.request(body=deed.encode()).status

    with concurrent.futures.ThreadPoolExecutor(32) as executor:
        statuses = Counter(executor.map(ask, deeds))
    statuses[server.request("OPTIONS").status] += 1
    assert statuses[502] >= 4
    assert statuses[429] == statuses[503] == 0

    classes: Counter[str] = Counter()
    for status, count in statuses.items():
        classes[f"{status // 100}xx"] += count
    assert sums(server, "abeja_runtime_requests_total", "status") == classes
    assert sums(server, "abeja_runtime_requests_total", "method") == {"POST": len(deeds), "OPTIONS": 1}
    metrics = server.metrics()
    assert metrics["abeja_runtime_request_duration_seconds_count"] == len(deeds) + 1
    assert metrics['abeja_runtime_failures_total{reason="handler-failed"}'] == statuses[500]
    assert metrics['abeja_runtime_failures_total{reason="worker-died"}'] == statuses[502]
    assert metrics['abeja_runtime_rejections_total{reason="method-not-allowed"}'] == 1
    assert metrics["abeja_runtime_requests_in_flight"] == 0
    # What a worker had counted before it died is there.
    counted = sums(server, "abeja_handler_deeds_total", "deed")
    assert metrics["abeja_handler_size_count"] == sum(counted.values())
    exits = metrics['abeja_runtime_worker_exits_total{cause="exit-7"}']
    if "--concurrency" in options:  # others died with those that were told to
        assert 1 <= exits <= counted["die"] <= 4
        assert sum(counted.values()) >= statuses[200] + statuses[404] + statuses[500] + exits
    else:
        assert counted == {"work": statuses[200], "miss": statuses[404], "raise": statuses[500], "die": statuses[502]}
        assert exits == 4


def test_sample_that_is_none_is_counted_and_said_once(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    for _ in range(3):
        assert server.request(body=b"nonsense").status == 200

    assert server.metrics()['abeja_runtime_handler_samples_dropped_total{reason="malformed"}'] == 3
    assert server.log().count("a metric of the handler is left out: expected name:value|type, found 'nonsense'") == 1


def test_samples_arrive_however_long_the_path_of_the_spool_is(start: Start, model: Path, tmp_path: Path) -> None:
    temporary = tmp_path / ("long" * 30)
    temporary.mkdir()
    server = start("--model-dir", model, TMPDIR=str(temporary)).wait_until_ready()

    assert server.request(body=b"nonsense").status == 200

    assert server.metrics()['abeja_runtime_handler_samples_dropped_total{reason="malformed"}'] == 1


def test_18_10_handlers_have_metrics_in_their_context(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "main.py").write_text(
        "def handler(input_iter, context):\n"
        "    for order in input_iter:\n"
        "        context.metrics.count('orders', kind='a,b|c')\n"
        "        context.metrics.count('items', order['items'])\n"
        "        context.metrics.gauge('temperature', -2.5, where='here')\n"
        "        context.metrics.observe('price', order['price'])\n"
        "        context.metrics.observe('price', 'no number')\n"
        "        yield {}\n"
    )
    server = start("--model-dir", folder, "--image-version", "18.10").wait_until_ready()
    for _ in range(2):
        body = b'{"items": 3, "price": 1.5}'
        assert server.request(body=body, headers={"Content-Type": "application/json"}).status == 200

    metrics = server.metrics()
    assert metrics['abeja_handler_orders_total{kind="a_b_c"}'] == 2
    assert metrics["abeja_handler_items_total"] == 6
    assert metrics['abeja_handler_temperature{where="here"}'] == -2.5
    assert (metrics["abeja_handler_price_count"], metrics["abeja_handler_price_sum"]) == (2, 3)


def test_without_its_plugin_there_are_no_metrics(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--block-plugin", "observer-*").wait_until_ready()

    reply = server.request("GET", "/metrics", port=server.health_port)

    assert (reply.status, reply.json()) == (404, {"status": "no plugin offers metrics"})
    assert server.request("OPTIONS").status == 405


def test_client_may_ask_for_open_metrics(start: Start, model: Path) -> None:
    server = start("--model-dir", model).wait_until_ready()
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}

    reply = server.request("GET", "/metrics", headers=accept, port=server.health_port)

    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.body.endswith(b"# EOF\n")
