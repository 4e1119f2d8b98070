"""When a worker is worn out: handlers that leak live longer if their process is renewed in time."""

import random
from typing import Self

import attrs
from attrs import frozen

from abeja.runtime.pool import memory

# Workers that started together shall not be renewed together.
_JITTER = 0.1


@frozen(kw_only=True)
class Limits:
    """What a worker may reach before it is renewed; None for no limit.

    Attributes:
        requests: how many it has served.
        resident_bytes: its resident memory.
        age_s: the time since it was ready, in seconds.
    """

    requests: int | None = None
    resident_bytes: int | None = None
    age_s: float | None = None

    def with_jitter(self) -> Self:
        """The limits of one worker: up to a tenth more requests and seconds."""
        more = 1 + random.uniform(0, _JITTER)  # noqa: S311 (not for secrets)
        return attrs.evolve(
            self,
            requests=self.requests and round(self.requests * more),
            age_s=self.age_s and self.age_s * more,
        )

    def reached(self, *, requests: int, resident_bytes: int, age_s: float) -> str:
        """Which limit a worker has reached, for the log; empty if none."""
        if self.requests is not None and requests >= self.requests:
            return f"it has served {requests} requests (--max-requests)"
        if self.resident_bytes is not None and resident_bytes > self.resident_bytes:
            limit = memory.shown(self.resident_bytes)
            return f"it uses {memory.shown(resident_bytes)} of memory, more than {limit} (--max-rss)"
        if self.age_s is not None and age_s >= self.age_s:
            return f"it is {age_s:.0f} s old (--max-age)"
        return ""
