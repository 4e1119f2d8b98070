"""Threads that run requests, several at once."""

import queue
import threading
from typing import Any, Callable, List, Optional


class Crew(object):
    """Up to `size` threads, started when there is work for them; one thread may give them work.

    Args:
        work: called with each job, in one of the threads; it does not raise.
        size: how many.
    """

    def __init__(self, work: Callable[[Any], None], size: int) -> None:
        self._work = work
        self._size = size
        self._jobs: "queue.Queue[Optional[Any]]" = queue.Queue()
        self._idle = threading.Semaphore(0)
        self._threads: List[threading.Thread] = []

    def give(self, job: Any) -> None:
        """Have `job` done.

        Raises:
            RuntimeError: a thread was needed and the system does not give one.
        """
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
            # No daemon, because threads that a handler starts would then be daemons too.
            thread = threading.Thread(target=self._run, name="abeja-request-%d" % (len(self._threads) + 1))
            thread.start()
            self._threads.append(thread)
        self._jobs.put(job)

    def join(self) -> None:
        """Wait until everything that was given is done, and end the threads."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            self._work(job)
            # A request's body is not kept until the next one comes.
            del job
            self._idle.release()
