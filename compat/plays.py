"""Plays: many pairs played ahead of the tests that look at them, on all processors."""

import os
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Plays(Generic[T]):
    """What came of each of several jobs.

    Args:
        jobs: by key; each starts processes of its own and waits for them.
    """

    def __init__(self, jobs: Iterable[tuple[Hashable, Callable[[], T]]]) -> None:
        # One more than processors, as each job waits now and then.
        self._executor = ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)) + 1)
        self._futures = {key: self._executor.submit(job) for key, job in jobs}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def __getitem__(self, key: Hashable) -> T:
        """What the job gave; what it raised is raised here."""
        return self._futures[key].result()
