"""What is counted of requests, a batch at a time. The metrics of it are made when somebody asks: see exposition.py."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from operator import sub

from abeja.runtime import RequestRecord, hookimpl

# In seconds: models answer in a millisecond or in a minute.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# A client may send any word; there are no more series than these.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))


class Histogram:
    """How often a duration was in each bucket.

    Attributes:
        counts: by the number of the bucket; the last is for what is above all bounds.
        sum_s: of all durations.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.sum_s = 0.0

    def add(self, begins_s: Sequence[float | None], ends_s: Sequence[float | None]) -> None:
        """Count the times between the beginnings and the ends, where both are there."""
        if None in ends_s:
            pairs = [(begin, end) for begin, end in zip(begins_s, ends_s, strict=True) if None not in (begin, end)]
            begins_s, ends_s = [begin for begin, _ in pairs], [end for _, end in pairs]
        durations_s = list(map(sub, ends_s, begins_s))
        self.counts.update(map(bisect_left, repeat(BUCKETS_S), durations_s))
        self.sum_s += sum(durations_s)


class RequestMetrics:
    """Of one server.

    Attributes:
        requests: by method and status.
        incomplete: by outcome.
        rejections, failures: by error; before and after a worker had the request.
        request_bytes, response_bytes: of the bodies.
        duration, queue, handler: of whole requests, in the queue, with a worker.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.incomplete: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.request_bytes = self.response_bytes = 0
        self.duration, self.queue, self.handler = Histogram(), Histogram(), Histogram()

    @hookimpl
    def abeja_requests_answered(self, records: Sequence[RequestRecord]) -> None:
        """Count them."""
        # By columns: what is done for every request is done in C.
        columns = zip(*records, strict=True)
        (_, methods, _, _, _, _, _, received, queued, leased, answered,
         sent, _, statuses, _, request_bytes, response_bytes, errors, outcomes) = columns  # fmt: skip
        self.requests.update(zip(methods, statuses, strict=True))
        self.request_bytes += sum(request_bytes)
        self.response_bytes += sum(response_bytes)
        self.duration.add(received, sent)
        self.queue.add(queued, leased)
        self.handler.add(leased, answered)
        if any(errors) or outcomes.count("complete") < len(outcomes):
            self._count_rare(records)
        if len(self.requests) > _KEYS_LIMIT:
            self.requests = self._with_bounded_keys()

    def _count_rare(self, records: Sequence[RequestRecord]) -> None:
        for record in records:
            if record.outcome != "complete":
                self.incomplete[record.outcome] += 1
            if record.error:
                (self.failures if record.worker else self.rejections)[record.error] += 1

    def _with_bounded_keys(self) -> Counter[tuple[str, int]]:
        bounded: Counter[tuple[str, int]] = Counter()
        for (method, status), count in self.requests.items():
            bounded[known(method), status] += count
        return bounded


# Above what the methods with a name and all statuses in use make; a client's own words are put together then.
_KEYS_LIMIT = 8 * 500


def known(method: str) -> str:
    """`method`, or ``other`` for one without a name of its own."""
    return method if method in METHODS else "other"
