"""A run from its first worker to its report, and what signals do to it."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from abeja.runtime.assembly import Assembly
from abeja.runtime.batch.destination import Destination
from abeja.runtime.batch.display import Display
from abeja.runtime.batch.inputs import Inputs
from abeja.runtime.batch.output import Output
from abeja.runtime.batch.progress import Standing
from abeja.runtime.batch.reasons import Reasons
from abeja.runtime.batch.report import Tally
from abeja.runtime.batch.runner import Course, Parts, Runner, requests_at_once
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.spool import Spool

_log = logging.getLogger("abeja.runtime")

# Ctrl-C waits as long as the handler needs; whoever sends the others will not.
_SIGNALS = {signal.SIGINT: None, signal.SIGTERM: 25.0, signal.SIGHUP: 25.0}


@frozen(kw_only=True)
class Task:
    """What is to be run.

    Attributes:
        inputs: the values of ``--input``.
        destination: where the results go.
        fails_fast: whether the first failure ends it.
        retries_failed: whether inputs that failed earlier are run again.
        report: a file for the report, which is no input; None for none.
    """

    inputs: tuple[str, ...]
    destination: Destination
    report: Path | None
    fails_fast: bool
    retries_failed: bool


@frozen(kw_only=True)
class Outcome:
    """What has come of it.

    Attributes:
        report: see `Tally.report`.
        is_complete: whether all inputs are done.
        has_failures: whether any of them has failed, now or earlier.
        signal: what ended it early; None if nothing did.
    """

    report: dict[str, Any]
    is_complete: bool
    has_failures: bool
    signal: signal.Signals | None


class Execution:
    """Runs a task.

    Args:
        task: what.
        model: the handler.
        options: workers, timeouts.
        version: of abeja-runtime.
        display: shows how far it is.

    Attributes:
        ended_by: the first signal that came; None if none did.
    """

    def __init__(self, task: Task, model: Model, options: Options, *, version: str, display: Display) -> None:
        self._task = task
        self._model = model
        self._options = options
        self._version = version
        self._display = display
        self._runner: Runner | None = None
        self.ended_by: signal.Signals | None = None
        self._inputs = Inputs(
            task.inputs,
            left_out=[path for path in (task.destination.path, task.report) if path is not None],
            is_stopped=lambda: self._runner is not None and self._runner.is_stopping,
        )

    async def run(self) -> Outcome:
        """Start the workers, run, stop them.

        Raises:
            asyncio.CancelledError: a signal came before a worker was ready; see `ended_by`.
            HandlerLoadError, WorkerStartError: the handler does not load.
            AbejaRuntimeError: see `Runner.run` and `Destination.open`.
        """
        options = self._options
        with Spool() as spool, self._signals():
            slots = options.workers * options.concurrency
            assembly = Assembly.configured(
                self._model, options, spool=spool, version=self._version, queue_limit=requests_at_once(slots)
            )
            # A run that cannot be resumed says so at once; a new one leaves nothing if the handler does not load.
            output = self._open(spool) if self._task.destination.check() else None
            try:
                await assembly.dispatcher.start()
                output = output or self._open(spool)
                return await self._run(assembly, output, spool, slots)
            finally:
                await assembly.pool.stop()

    async def _run(self, assembly: Assembly, output: Output, spool: Spool, slots: int) -> Outcome:
        tally = Tally()
        course = Course(
            slots=slots,
            user_agent=f"abeja-runtime/{self._version}",
            fails_fast=self._task.fails_fast,
            retries_failed=self._task.retries_failed,
        )
        with Reasons() as reasons, contextlib.closing(self._display):
            parts = Parts(
                inputs=self._inputs,
                output=output,
                spool=spool,
                dispatcher=assembly.dispatcher,
                engine=assembly.pool,
                tally=tally,
                standing=Standing(tally),
                display=self._display,
                reasons=reasons,
            )
            self._runner = runner = Runner(parts, course)
            try:
                await runner.run()
            finally:
                await output.close(is_complete=runner.is_complete)
            self._display.show(parts.standing)
        ended_by = None if runner.is_complete else self.ended_by
        return Outcome(
            report=tally.report(ending=_ending(ended_by, is_complete=runner.is_complete)),
            is_complete=runner.is_complete,
            has_failures=tally.failed > 0,
            signal=ended_by,
        )

    def _open(self, spool: Spool) -> Output:
        model = self._model
        header = {
            "handler": model.handler,
            "model": str(model.folder),
            "image": model.image.name,
            "abi": model.abi.name,
            "inputs": list(self._task.inputs),
        }
        return self._task.destination.open(header, spool=spool, aside=self._display.aside)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        # Under nohup, the end of the terminal is none of the run.
        is_detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        numbers = [number for number in _SIGNALS if number is not signal.SIGHUP or not is_detached]
        for number in numbers:
            loop.add_signal_handler(number, self._signalled, number, task)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _signalled(self, number: signal.Signals, task: "asyncio.Task[Any] | None") -> None:
        is_first, self.ended_by = self.ended_by is None, self.ended_by or number
        if self._runner is None:
            if task is not None:
                task.cancel()
        elif is_first:
            _log.info("stopping: what the workers have is finished; a second signal stops at once")
            self._runner.stop()
            if (limit_s := _SIGNALS[number]) is not None:
                asyncio.get_running_loop().call_later(limit_s, self._runner.stop_at_once)
        else:
            _log.warning("stopping at once")
            self._runner.stop_at_once()


def _ending(ended_by: signal.Signals | None, *, is_complete: bool) -> str:
    if is_complete:
        return "complete"
    return ended_by.name if ended_by is not None else "failed fast"
