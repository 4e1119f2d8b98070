"""Deadlines that share one timer."""

import asyncio
from collections.abc import Callable

from attrs import frozen

from abeja.runtime.deadlines import Deadlines


@frozen(eq=False)
class Timed:
    """Calls a function when its deadline has passed."""

    on_missed: Callable[[], None]


def test_those_that_are_not_met_are_called_in_time_and_the_others_never() -> None:
    async def run() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        called: list[tuple[str, float]] = []
        deadlines = Deadlines()

        def add(name: str, after_s: float) -> Timed:
            timed = Timed(lambda: called.append((name, loop.time() - begin_s)))
            deadlines.add(timed, after_s)
            return timed

        met = add("met", 0.01)
        add("late", 0.1)
        add("early", 0.05)
        left_s = deadlines.meet(met)
        assert 0 < left_s <= 0.01
        deadlines.drop(add("dropped", 0.01))
        await asyncio.sleep(0.02)
        add("added", 0.03)
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

        deadlines.add(Timed(miss), 0.01)
        deadlines.add(Timed(miss), 0.01)
        await asyncio.sleep(0.05)
        last = Timed(miss)
        deadlines.add(last, 10)
        assert deadlines.meet(last) > 9
        return calls

    assert asyncio.run(run()) == 2
