"""Collects what happens and hands it to observers, in batches: a request costs one append."""

import asyncio
import logging
import time

from abeja.runtime.events import RequestRecord, WorkerEnd
from abeja.runtime.observer import Observer

_log = logging.getLogger("abeja.runtime")

# Observers hear of a request after this time at the latest; at once, if nothing has happened for as long.
FLUSH_S = 0.05
# So that a burst does not keep the loop for longer than a few milliseconds.
FLUSH_RECORDS = 256

REQUESTS_ANSWERED = "abeja_requests_answered"
WORKER_ENDED = "abeja_worker_ended"


class Journal:
    """The events of one server. Everything happens in the thread of its event loop.

    Attributes:
        is_watched: whether anybody wants records of requests; otherwise none need be made.
        epoch_s: what the monotonic clock showed, subtracted from the seconds since 1970.
    """

    def __init__(self) -> None:
        self._observers: list[Observer] = []
        self._records: list[RequestRecord] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next_flush_s = 0.0
        self.is_watched = False
        self.epoch_s = time.time() - time.monotonic()

    def watch(self, observers: list[Observer]) -> None:
        """From now on, these hear of what happens."""
        self._observers = observers
        self._look_who_watches()

    def join(self, observer: Observer) -> None:
        """From now on, this one hears of what happens too."""
        self.watch([*self._observers, observer])

    def add(self, record: RequestRecord) -> None:
        """A request has come to its end."""
        self._records.append(record)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._next_flush_s - time.monotonic()), self.flush)
        elif len(self._records) >= FLUSH_RECORDS:
            self.flush()

    def worker_ended(self, end: WorkerEnd) -> None:
        """A worker has ended: told at once, after the requests before it."""
        self.flush()
        self._tell(WORKER_ENDED, worker=end)

    def flush(self) -> None:
        """Hand over what there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = time.monotonic()
        self._next_flush_s = now_s + FLUSH_S
        # The wall clock may have been set.
        self.epoch_s = time.time() - now_s
        if self._records:
            records, self._records = tuple(self._records), []
            self._tell(REQUESTS_ANSWERED, records=records)

    def _tell(self, hook: str, **event: object) -> None:
        for observer in self._observers:
            if observer.hook == hook:
                self._tell_one(observer, event)

    def _tell_one(self, observer: Observer, event: dict[str, object]) -> None:
        try:
            observer.tell(event)
        except Exception:  # whatever an observer does, requests are none of its business
            _log.exception("%s raised, and is told of nothing more", observer)
            self._observers = [other for other in self._observers if other is not observer]
            self._look_who_watches()

    def _look_who_watches(self) -> None:
        self.is_watched = any(observer.hook == REQUESTS_ANSWERED for observer in self._observers)
