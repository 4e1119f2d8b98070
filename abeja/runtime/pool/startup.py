"""From the start of a worker until it is ready, and why that failed."""

import asyncio
import time
from collections.abc import Callable, Iterable

from abeja.runtime.errors import AbejaRuntimeError, WorkerStartError
from abeja.runtime.model import Model
from abeja.runtime.pool.process_group import WORKER_FOLDER


class Startup:
    """Of one worker.

    Args:
        timeout_s: how long importing the handler may take.
        on_timeout: called when it has taken that long.

    Attributes:
        timeout_s: see above.
        load_s: how long it has taken; 0 until the worker is ready.
    """

    def __init__(self, *, timeout_s: float, on_timeout: Callable[[], None]) -> None:
        self._on_timeout = on_timeout
        self._begin_s = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.timeout_s = timeout_s
        self.load_s = 0.0

    def watch(self) -> None:
        """The process has been started: from here on its time counts."""
        self._timer = asyncio.get_running_loop().call_later(self.timeout_s, self._on_timeout)

    async def wait(self) -> None:
        """Wait until the worker is ready.

        Raises:
            AbejaRuntimeError: what `fail` was called with.
        """
        await self._ready

    def succeed(self) -> None:
        """The worker is ready."""
        self.load_s = time.monotonic() - self._begin_s
        self._stop_clock()
        if not self._ready.done():
            self._ready.set_result(None)

    def fail(self, error: AbejaRuntimeError) -> None:
        """The worker will never be ready."""
        self._stop_clock()
        if not self._ready.done():
            self._ready.set_exception(error)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def not_started(model: Model, error: Exception) -> WorkerStartError:
    """The error for a worker whose process could not be started."""
    message = f"the worker's Python {model.python} cannot be started: {error}."
    if not model.folder.is_dir():
        message = f"the model's folder {model.folder} is gone."
    hint = "--python names the interpreter; a machine may also be out of descriptors, processes or memory."
    return WorkerStartError(message, hint=hint)


def ended_too_early(model: Model, reason: str, last_lines: Iterable[str]) -> WorkerStartError:
    """The error for a worker that ended before it was ready.

    Args:
        model: what it was to run.
        reason: how it ended.
        last_lines: of its output.
    """
    # A crash's stack ends in frames of ours, which say nothing to the user.
    output = "\n".join(line for line in last_lines if str(WORKER_FOLDER) not in line)
    shown = f"\nIts last output:\n{output}" if output else ""
    return WorkerStartError(
        f"the worker ({model.python}) {reason} before it was ready.{shown}",
        hint="run the handler's module with this interpreter to see why: "
        f"cd {model.folder} && {model.python} -c 'import {model.handler.partition(':')[0]}'",
    )
