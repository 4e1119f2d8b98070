"""A worker that floods the log is cut, and what was cut is counted."""

import asyncio
import logging

import pytest

from abeja.runtime.pool.allowance import BURST_RECORDS, RECORDS_PER_S, Allowance


def test_what_is_left_out_is_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    number = BURST_RECORDS + 100 * RECORDS_PER_S

    async def run() -> int:
        allowance = Allowance(7)
        taken = sum(allowance.take() for _ in range(number))
        allowance.report()
        allowance.report()
        return taken

    with caplog.at_level(logging.WARNING, "abeja.runtime"):
        taken = asyncio.run(run())

    (record,) = caplog.records
    assert BURST_RECORDS <= taken < number
    assert record.__dict__["members"] == {"dropped": number - taken}
    assert record.getMessage().startswith(f"{number - taken} records of worker 7 are left out")


def test_what_a_worker_may_write_grows_with_time() -> None:
    async def run() -> None:
        allowance = Allowance(7)
        while allowance.take():
            pass
        while not allowance.take():
            pass  # for a millisecond
        allowance.report()

    asyncio.run(run())
