"""Results as JSON Lines on stdout."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from abeja.runtime.batch.ordered import Ordered
from abeja.runtime.batch.output import failed
from abeja.runtime.batch.past import Past
from abeja.runtime.batch.result import Result
from abeja.runtime.errors import OutputFailedError


class StdoutOutput:
    """Writes JSON Lines to stdout. What has been written cannot be taken up again.

    Args:
        folder: an empty one, for lines that come early.
        aside: entered while a line is written: what else is on the terminal makes room.

    Raises:
        OutputFailedError: stdout is closed.
    """

    def __init__(self, folder: Path, *, aside: Callable[[], AbstractContextManager[None]]) -> None:
        if sys.stdout is None:
            raise OutputFailedError("the results cannot be written to stdout: it is closed.")
        self._handle = sys.stdout.fileno()
        self._aside = aside
        self._ordered = Ordered(self._append, folder, may_block=True)
        self.past = Past()

    @property
    def held(self) -> int:
        """See `Output`."""
        return self._ordered.waiting

    async def put(self, result: Result) -> None:
        """See `Output`."""
        try:
            await self._ordered.put(result)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise failed("stdout", error) from error

    async def sync(self) -> None:
        """Nothing is kept."""

    async def close(self, *, is_complete: bool) -> None:
        """See `Output`."""

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        with self._aside():
            while rest:
                rest = rest[os.write(self._handle, rest) :]
