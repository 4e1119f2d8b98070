"""What connects a server with those who observe it."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from abeja.runtime import logs
from abeja.runtime.admission import Activity, Condition
from abeja.runtime.events import Service, State, WorkerEnd
from abeja.runtime.journal import Journal
from abeja.runtime.model import Model
from abeja.runtime.plugins import Plugins
from abeja.runtime.pool.exits import Exit
from abeja.runtime.pool.pool import Pool
from abeja.runtime.server.metrics import Metrics

_log = logging.getLogger("abeja.runtime")


class Observation:
    """The observers of one server, from before its first worker starts until after its last event.

    Args:
        model: what is served.
        plugins: those that observe; None for nobody.
        version: of abeja-runtime.
        journal: hands the events over.
        scratch: a folder that goes when the server goes.

    Attributes:
        model: the same, with the variables that observers have added for the workers.
        metrics: what they offer.
    """

    def __init__(self, model: Model, *, plugins: Plugins | None, version: str, journal: Journal, scratch: Path) -> None:
        self._plugins = plugins
        self._version = version
        self._journal = journal
        self._scratch = scratch
        self._closing: list[Callable[[], None]] = []
        self._observed: tuple[Condition, Activity] | None = None
        self.model = model
        self.metrics = Metrics(before=journal.flush)

    def __enter__(self) -> Self:
        if self._plugins is not None:
            service = self._service()
            observers, problems = self._plugins.observers(service)
            for problem in problems:
                _log.warning("%s", problem.report())
            self._journal.watch(observers)
            self.model = attrs.evolve(self.model, environment=service.variables)
        return self

    def begin(self, pool: Pool, condition: Condition, activity: Activity) -> None:
        """These are what is observed."""
        self._observed = (condition, activity)
        pool.on_end = self._worker_ended

    def state(self) -> State:
        """How everything is now."""
        if self._observed is None:
            return State(is_ready=False, in_flight=0, waiting=0, workers=(), exits={})
        condition, activity = self._observed
        report = condition.report()
        return State(
            is_ready=not condition.trouble,
            in_flight=activity.count,
            waiting=condition.waiting,
            workers=tuple(report["workers"]),
            exits=report["exits"],
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.flush()
        for close in self._closing:
            try:
                close()
            except Exception:  # a third party's code may raise anything
                _log.exception("an observer could not be closed")

    def _worker_ended(self, exit_: Exit, is_expected: bool) -> None:  # noqa: FBT001 (a callback)
        end = WorkerEnd(
            worker=exit_.worker, cause=exit_.cause, reason=exit_.reason, is_expected=is_expected, time_s=exit_.time
        )
        self._journal.worker_ended(end)

    def _service(self) -> Service:
        model = self.model
        return Service(
            version=self._version,
            handler=model.handler,
            folder=str(model.folder),
            image_version=model.image.name,
            abi=model.abi.name,
            environment_s=model.environment_s,
            log=logs.current(),
            scratch=str(self._scratch),
            state=self.state,
            variables=dict(model.environment),
            offer_metrics=self.metrics.offer,
            closing=self._closing.append,
        )
