"""Why no worker with the newest code could be started: for the log and for readiness, never for a client."""

import time
from typing import Any

from attrs import field, frozen

from abeja.runtime.errors import AbejaRuntimeError


@frozen(kw_only=True)
class LoadFailure:
    """A start that failed.

    Attributes:
        error: what it failed with.
        is_serving: whether a worker with the code of before serves on.
        time: of the failure, in seconds since 1970.
    """

    error: AbejaRuntimeError
    is_serving: bool
    time: float = field(factory=time.time)

    @property
    def summary(self) -> str:
        """The error on one line."""
        first, _, _ = self.error.message.partition("\n")
        return f"{self.error.name}: {first}"

    @property
    def text(self) -> str:
        """The traceback of the user's code, if there is one, and the report."""
        return f"{self.error.traceback}{self.error.report()}"

    def report(self) -> dict[str, Any]:
        """The fields for readiness."""
        return {
            "error": self.error.name,
            "reason": self.summary,
            "text": self.text,
            "is_serving": self.is_serving,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.time)),
        }
