"""How much a worker may write to the log."""

import asyncio
import logging
import time

_log = logging.getLogger("abeja.runtime")

# A disk that is full of one handler's lines, or a log service's bill, is worse than lines that are missing; and so many
# records are about what the server can write beside its work.
RECORDS_PER_S = 1000
# A handler may say a lot at once, as when it is loaded.
BURST_RECORDS = 50 * RECORDS_PER_S
_REPORT_S = 1.0


class Allowance:
    """Of one worker: a bucket that fills up with time.

    Args:
        worker: its number, for the log.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._left = float(BURST_RECORDS)
        self._seen_s = time.monotonic()
        self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> bool:
        """Whether one more record may be written; if not, it is counted."""
        now_s = time.monotonic()
        self._left = min(BURST_RECORDS, self._left + (now_s - self._seen_s) * RECORDS_PER_S)
        self._seen_s = now_s
        if self._left >= 1:
            self._left -= 1
            return True
        self._dropped += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_REPORT_S, self.report)
        return False

    def report(self) -> None:
        """Say how many were dropped since the last time, if any were."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dropped:
            _log.warning(
                "%d records of worker %d are left out: it writes more than %d a second",
                self._dropped,
                self._worker,
                RECORDS_PER_S,
                extra={"worker": self._worker, "members": {"dropped": self._dropped}},
            )
            self._dropped = 0
