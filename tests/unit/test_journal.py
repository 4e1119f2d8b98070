"""What happens reaches the observers in batches and in its order, and nothing that they do reaches the server."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from abeja.runtime.events import RequestRecord, WorkerEnd
from abeja.runtime.journal import FLUSH_RECORDS, Journal
from abeja.runtime.observer import Observer
from abeja.runtime.plugin_source import Source

REQUESTS, WORKER = "abeja_requests_answered", "abeja_worker_ended"
END = WorkerEnd(worker=1, cause="exit-1", reason="ended with exit code 1", is_expected=False, time_s=0.0)


def record(number: int) -> RequestRecord:
    return RequestRecord(
        request_id=str(number),
        method="POST",
        path="/",
        client_ip="127.0.0.1",
        requester_id="",
        traceparent="",
        time_s=0.0,
        received_s=0.0,
        queued_s=None,
        leased_s=None,
        answered_s=None,
        sent_s=1.0,
        worker=0,
        status=200,
        content_type="application/json",
        request_bytes=0,
        response_bytes=0,
        error="",
        outcome="complete",
    )


def observer(hook: str, function: Callable[..., Any]) -> Observer:
    (argument,) = {REQUESTS: ["records"], WORKER: ["worker"]}[hook]
    return Observer(
        source=Source("observer-mine", "mine", "1.0", dict), hook=hook, function=function, arguments=(argument,)
    )


def test_requests_of_one_turn_come_together_and_soon() -> None:
    batches: list[list[str]] = []

    async def run() -> None:
        heard = asyncio.Event()

        def hear(records: tuple[RequestRecord, ...]) -> None:
            batches.append([each.request_id for each in records])
            heard.set()

        journal = Journal()
        journal.watch([observer(REQUESTS, hear)])
        for number in range(3):
            journal.add(record(number))
        assert batches == []
        await asyncio.wait_for(heard.wait(), 1)

    asyncio.run(run())

    assert batches == [["0", "1", "2"]]


def test_burst_is_handed_over_before_its_time() -> None:
    sizes: list[int] = []

    async def run() -> None:
        journal = Journal()
        journal.watch([observer(REQUESTS, lambda records: sizes.append(len(records)))])
        for number in range(2 * FLUSH_RECORDS + 1):
            journal.add(record(number))
        assert sizes == [FLUSH_RECORDS, FLUSH_RECORDS]
        journal.flush()

    asyncio.run(run())

    assert sizes == [FLUSH_RECORDS, FLUSH_RECORDS, 1]


def test_worker_that_ended_is_told_after_the_requests_before_it() -> None:
    told: list[str] = []

    async def run() -> None:
        journal = Journal()
        journal.watch(
            [
                observer(REQUESTS, lambda records: told.extend(each.request_id for each in records)),
                observer(WORKER, lambda worker: told.append(worker.cause)),
            ]
        )
        journal.add(record(1))
        journal.worker_ended(END)

    asyncio.run(run())

    assert told == ["1", "exit-1"]


def test_observer_that_raises_is_logged_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []

    def fail(records: object) -> None:
        raise RuntimeError(f"not {type(records).__name__}")

    async def run() -> None:
        journal = Journal()
        journal.watch([observer(REQUESTS, fail), observer(REQUESTS, lambda records: heard.append(len(records)))])
        for number in range(2):
            journal.add(record(number))
            journal.flush()
        assert journal.is_watched

    with caplog.at_level(logging.ERROR, "abeja.runtime"):
        asyncio.run(run())

    assert heard == [1, 1]
    (problem,) = caplog.records
    assert "observer-mine (mine 1.0), asked by abeja_requests_answered, raised" in problem.getMessage()
    assert problem.exc_text is not None
    assert "RuntimeError: not tuple" in problem.exc_text


def test_no_records_are_wanted_when_nobody_watches_them() -> None:
    journal = Journal()
    assert not journal.is_watched

    journal.watch([observer(WORKER, lambda worker: worker)])

    assert not journal.is_watched
