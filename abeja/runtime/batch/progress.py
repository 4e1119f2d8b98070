"""How far a run is, how fast it goes, and how long it will take."""

import time
from collections import deque
from typing import Any

from abeja.runtime.batch.report import Tally

# The rate is that of the last seconds, so that it follows when the inputs become larger.
_WINDOW_S = 15.0
_SAMPLES = 30


class Pace:
    """How fast things are done, over the last seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)

    def note(self, done: int) -> None:
        """So many are done now."""
        now = time.monotonic()
        if not self._samples or now - self._samples[-1][0] >= _WINDOW_S / _SAMPLES:
            self._samples.append((now, done))

    def per_second(self, done: int) -> float:
        """The rate, now that so many are done; 0 if it is not known yet."""
        if not self._samples:
            return 0.0
        since, before = self._samples[0]
        elapsed = time.monotonic() - since
        return (done - before) / elapsed if elapsed > 0 else 0.0


class Standing:
    """How far a run is.

    Args:
        tally: counts what is done.

    Attributes:
        tally: see above.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._running: dict[str, int] = {}
        self._pace = Pace()
        self._started_s = time.monotonic()

    def note(self) -> None:
        """To be called now and then."""
        self._pace.note(self._done_now)

    def begin(self, name: str) -> None:
        """An input is handed to a worker."""
        self._running[name] = 0

    def came(self, name: str, piece: bytes) -> None:
        """A piece of a streamed answer has come. Each result but the first begins with a newline."""
        self._running[name] += piece.startswith(b"\n") or not self._running[name]

    def end(self, name: str) -> None:
        """An input is answered."""
        self._running.pop(name, None)

    @property
    def current(self) -> str:
        """The input that a worker has had for the longest time; empty if no worker has any."""
        return next(iter(self._running), "")

    @property
    def elapsed_s(self) -> float:
        """Since it began."""
        return time.monotonic() - self._started_s

    @property
    def rate(self) -> float:
        """Inputs per second, lately."""
        return self._pace.per_second(self._done_now)

    @property
    def left_s(self) -> float | None:
        """How long it will take, if it goes on like this; None if nobody knows."""
        total, rate = self.tally.total, self.rate
        if total is None or rate <= 0 or total <= self.tally.done:
            return None
        return (total - self.tally.done) / rate

    @property
    def streaming(self) -> tuple[str, int] | None:
        """The input that has given the most results so far, of those that give several; such as frames of a video."""
        name = max(self._running, key=lambda name: self._running[name], default="")
        return (name, self._running[name]) if self._running.get(name, 0) > 1 else None

    def report(self) -> dict[str, Any]:
        """For a program."""
        left_s = self.left_s
        return {
            "done": self.tally.done,
            "total": self.tally.total,
            "failed": self.tally.failed,
            "resumed": self.tally.resumed,
            "rate": round(self.rate, 3),
            "eta_s": None if left_s is None else round(left_s, 1),
            "elapsed_s": round(self.elapsed_s, 1),
            "running": [{"input": name, "results": count} for name, count in self._running.items()],
        }

    @property
    def _done_now(self) -> int:
        # Those that were done earlier took no time.
        return self.tally.done - self.tally.resumed
