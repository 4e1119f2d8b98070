"""Why a worker ends, as far as it is known before its exit code is."""

from abeja.runtime.engine import Call
from abeja.runtime.errors import HandlerLoadError


class Ending:
    """Of one worker.

    Attributes:
        load_error: it could not load the handler, and said so; None if it did not say that.
    """

    def __init__(self) -> None:
        self._reason = self._cause = ""
        self._culprit: Call | None = None
        self.load_error: HandlerLoadError | None = None

    @property
    def is_killed(self) -> bool:
        """Whether it was killed by us."""
        return bool(self._reason)

    def killed(self, reason: str, *, cause: str, because_of: Call | None) -> None:
        """It is killed: see `Worker.kill`. Of several reasons, the first counts."""
        if not self._reason:
            self._reason, self._cause, self._culprit = reason, cause, because_of

    def explained(self, reason: str, cause: str, *, is_retired: bool) -> tuple[str, str]:
        """The reason and the cause of its end.

        Args:
            reason: what its exit code says.
            cause: the same in one word.
            is_retired: whether it was to end.
        """
        if self.load_error is not None:
            summary, _, _ = self.load_error.message.partition("\n")
            return f"could not load the handler: {summary}", "load-failed"
        if self._reason:
            return self._reason, self._cause
        return reason, "renewed" if is_retired else cause

    def loss_of(self, call: Call, reason: str) -> str:
        """The reason, as it is said to one of its calls."""
        if self._culprit is None or self._culprit is call:
            return reason
        return f"was killed because another request {reason}"
