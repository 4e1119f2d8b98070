"""How far a streamed answer may be ahead of its client, in a worker that has several requests."""

from collections.abc import Callable

from abeja.runtime.worker import frames

# Half of the window: the rest is on its way while the worker is told.
_STEP_BYTES = frames.WINDOW_BYTES // 2


class Credit:
    """What one answer has used of its window, and when the worker is told to go on.

    Args:
        give: tells the worker how many bytes more it may send.
    """

    def __init__(self, give: Callable[[int], None]) -> None:
        self._give = give
        self._used_bytes = 0
        self._is_withheld = False

    def use(self, size_bytes: int) -> None:
        """A piece of the answer has come."""
        self._used_bytes += size_bytes
        self._give_what_is_due()

    def withhold(self) -> None:
        """Give nothing until `release`: the client is slow."""
        self._is_withheld = True

    def release(self) -> None:
        """Give again."""
        self._is_withheld = False
        self._give_what_is_due()

    def _give_what_is_due(self) -> None:
        if self._used_bytes >= _STEP_BYTES and not self._is_withheld:
            used, self._used_bytes = self._used_bytes, 0
            self._give(used)
