"""What earlier parts of a run have done: a few bytes for each input, however many there are."""

import hashlib
from array import array
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from abeja.runtime.batch.item import Item
from abeja.runtime.errors import RunDiffersError

# Of the name, and of what changes with the input.
_DIGEST_BYTES = 4
_EITHER_BITS = 8 * _DIGEST_BYTES
_NOT_READ = 0
# Reasons are for the report, which shows the first ones.
_KEPT_REASONS = 1000


@frozen
class Done:
    """What became of an input earlier.

    Attributes:
        status: of the answer; None if the input could not be read.
        time_s: see `Result.time_s`.
        error: why it was a failure; empty if it was none.
    """

    status: int | None
    time_s: float
    error: str


class Past:
    """The inputs that are done."""

    def __init__(self) -> None:
        # By the input's number. Digests of 0 stand for one that is not done.
        self._digests: array[int] = array("Q")
        self._statuses: array[int] = array("H")
        self._times_s: array[float] = array("f")
        self._failed = bytearray()
        self._reasons: dict[int, str] = {}

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take over what a journal says of an input; the last that it says counts."""
        number = entry["n"]
        if (missing := number + 1 - len(self._digests)) > 0:
            self._digests.extend([0] * missing)
            self._statuses.extend([0] * missing)
            self._times_s.extend([0.0] * missing)
            self._failed.extend(bytes(missing))
        self._digests[number] = _digests(entry["input"], entry["of"])
        self._statuses[number] = entry["status"] or _NOT_READ
        self._times_s[number] = entry["time"]
        self._failed[number] = bool(entry["error"])
        self._reasons.pop(number, None)
        if entry["error"] and len(self._reasons) < _KEPT_REASONS:
            self._reasons[number] = entry["error"]

    def of(self, item: Item, *, may_run_again: bool) -> Done | None:
        """What became of an input; None if it is to be run.

        Args:
            item: the input.
            may_run_again: whether one that failed is run again. It may have been put right meanwhile.

        Raises:
            RunDiffersError: another input had its place, or it has changed.
        """
        number = item.number
        if number >= len(self._digests) or not self._digests[number]:
            return None
        is_again = may_run_again and self._failed[number]
        before, now = self._digests[number], _digests(item.name, item.identity())
        if before >> _EITHER_BITS != now >> _EITHER_BITS or (before != now and not is_again):
            raise RunDiffersError(
                f"{item.name} is not what was run as input number {number + 1}: inputs were added, removed or changed.",
                hint="restore the inputs, or begin a new run with another --output.",
            )
        if is_again:
            return None
        error = self._reasons.get(number, "failed earlier") if self._failed[number] else ""
        return Done(self._statuses[number] or None, self._times_s[number], error)

    def check_end(self, count: int) -> None:
        """See that no input is missing at the end.

        Args:
            count: how many inputs there are.

        Raises:
            RunDiffersError: there were more.
        """
        if count < len(self._digests):
            raise RunDiffersError(
                f"there are {count} inputs, and number {len(self._digests)} has been run: inputs were removed.",
                hint="restore the inputs, or begin a new run with another --output.",
            )


def _digests(name: str, identity: str) -> int:
    """Never 0."""
    return _digest(name) << _EITHER_BITS | _digest(identity)


def _digest(text: str) -> int:
    data = text.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()) | 1
