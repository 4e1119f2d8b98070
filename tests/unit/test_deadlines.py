"""Deadlines that share one timer."""

import asyncio

from abeja.runtime.deadlines import Deadlines


def test_those_that_are_not_met_are_called_in_time_and_the_others_never() -> None:
    async def run() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        called: list[tuple[str, float]] = []
        deadlines = Deadlines()

        def miss(name: str) -> None:
            called.append((name, loop.time() - begin_s))

        met = deadlines.add(0.01, lambda: miss("met"))
        deadlines.add(0.1, lambda: miss("late"))
        deadlines.add(0.05, lambda: miss("early"))
        left_s = deadlines.meet(met)
        assert 0 < left_s <= 0.01
        await asyncio.sleep(0.02)
        deadlines.add(0.03, lambda: miss("added"))
        await asyncio.sleep(0.15)
        return called

    called = asyncio.run(run())

    assert sorted(name for name, _ in called) == ["added", "early", "late"]
    early_s, late_s = dict(called)["early"], dict(called)["late"]
    assert 0.045 <= early_s < late_s
    assert late_s >= 0.095


def test_two_of_the_same_moment_are_both_called() -> None:
    async def run() -> int:
        deadlines = Deadlines()
        calls = 0

        def miss() -> None:
            nonlocal calls
            calls += 1

        deadlines.add(0.01, miss)
        deadlines.add(0.01, miss)
        await asyncio.sleep(0.05)
        assert deadlines.meet(deadlines.add(10, miss)) > 9
        return calls

    assert asyncio.run(run()) == 2
