"""Sends the inputs through the workers, a few at a time, until all are done or someone stops it."""

import asyncio
import time

from attrs import field, frozen

from abeja.runtime.batch.display import Display
from abeja.runtime.batch.inputs import Inputs
from abeja.runtime.batch.item import Item
from abeja.runtime.batch.output import Output
from abeja.runtime.batch.progress import Standing
from abeja.runtime.batch.reasons import Reasons, is_own
from abeja.runtime.batch.report import Tally
from abeja.runtime.batch.result import Result
from abeja.runtime.batch.upcoming import Upcoming
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.engine import Engine
from abeja.runtime.errors import InputInvalidError, NotReadyError, QueueFullError, WorkerStartError
from abeja.runtime.exchange import Exchange
from abeja.runtime.messages import Request, Response
from abeja.runtime.spool import Spool
from abeja.runtime.worker.frames import INLINE_LIMIT_BYTES

# Results are brought to the disk so often, and whoever writes more of them meanwhile waits for that.
_SYNC_S = 1.0
_UNSYNCED = 5000
# When no worker is ready: how often to look, and how long to hope. The pool goes on trying meanwhile.
_LOOK_S = 0.1
_PATIENCE_S = 120.0
_NO_WORKER = (NotReadyError.status, QueueFullError.status)


def requests_at_once(slots: int) -> int:
    """How many requests a run has with the workers: as many again as they run wait there, so that none is idle."""
    return 2 * slots


@frozen(kw_only=True)
class Course:
    """How a run is to go.

    Attributes:
        slots: how many requests the workers run at once.
        user_agent: of the requests.
        fails_fast: whether the first failure ends it.
        retries_failed: whether inputs that failed earlier are run again.
    """

    slots: int
    user_agent: str
    fails_fast: bool = False
    retries_failed: bool = False


class _Answer:
    """A `Receiver` that takes whole answers only."""

    takes_body = True

    def __init__(self) -> None:
        self.response: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

    def respond(self, response: Response) -> None:
        if self.response.done():
            response.remove_files()
        else:
            self.response.set_result(response)

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        if not self.response.done():
            self.response.set_result(None)

    def write(self, data: bytes) -> None:
        raise NotImplementedError("only for streamed answers", len(data))

    def finish(self, *, is_complete: bool) -> None:
        raise NotImplementedError("only for streamed answers", is_complete)


@frozen(kw_only=True)
class Parts:
    """What a run is made of.

    Attributes:
        inputs: what is run.
        output: takes the results.
        spool: for large bodies.
        dispatcher: has the workers, which are ready.
        engine: the workers.
        tally: counts.
        standing: how far it is.
        display: shows that.
        reasons: why inputs fail.
    """

    inputs: Inputs
    output: Output
    spool: Spool
    dispatcher: Dispatcher
    engine: Engine
    tally: Tally
    standing: Standing
    display: Display
    reasons: Reasons = field(factory=Reasons)


class Runner:
    """One run, or one part of a run that is resumed.

    Args:
        parts: what it is made of.
        course: how it is to go.

    Attributes:
        is_complete: whether all inputs are done.
    """

    def __init__(self, parts: Parts, course: Course) -> None:
        self._parts = parts
        self._course = course
        self._upcoming = Upcoming(parts.inputs, parts.output, tally=parts.tally, retries_failed=course.retries_failed)
        self._slots = asyncio.Semaphore(requests_at_once(course.slots))
        self._unsynced = 0
        self._asked: dict[Exchange, _Answer] = {}
        self._has_dropped = False
        self._is_forced = False
        self.is_complete = False

    async def run(self) -> None:
        """Run until all inputs are done, or until it is stopped and what the workers have is done.

        Raises:
            RunDiffersError: the inputs are not those of the run that is resumed.
            InputInvalidError: they cannot be listed.
            OutputFailedError, BrokenPipeError: a result cannot be written.
            WorkerStartError: no worker is left, and none can be started.
            SpoolFailedError: a large body cannot be stored.
        """
        # Of three lanes, one waits for a worker that runs its input, one for a worker that has got it ahead, and one
        # reads or writes.
        lanes = [asyncio.create_task(self._lane()) for _ in range(3 * self._course.slots)]
        others = [asyncio.create_task(work) for work in (self._count_inputs(), self._show(), self._sync())]
        try:
            await _all_or_first_error(lanes, others)
            self.is_complete = self._upcoming.is_exhausted and not self._has_dropped
            if self.is_complete:
                self._parts.tally.total = self._upcoming.count
                self._parts.output.past.check_end(self._upcoming.count)
        finally:
            self.stop()
            for task in (*lanes, *others):
                task.cancel()
            await asyncio.gather(*lanes, *others, return_exceptions=True)

    def stop(self) -> None:
        """Begin no more; what the workers have is finished, and kept."""
        self._upcoming.stop()
        for exchange, answer in list(self._asked.items()):
            if exchange.withdraw():
                answer.give_up()

    def stop_at_once(self) -> None:
        """Do not wait for what the workers have, either."""
        self._is_forced = True
        self.stop()
        for exchange, answer in list(self._asked.items()):
            exchange.cancel()
            answer.give_up()

    @property
    def is_stopping(self) -> bool:
        """Whether it begins no more."""
        return self._upcoming.is_stopped()

    async def _lane(self) -> None:
        while (item := await self._upcoming.next()) is not None:
            result = await self._result(item)
            if result is None:
                self._has_dropped = True
            else:
                await self._keep(result)
            self._upcoming.end()

    async def _result(self, item: Item) -> Result | None:
        """What becomes of an input; None if it is stopping before a worker has had it."""
        while not self._upcoming.is_stopped():
            try:
                request, identity = await self._read(item)
            except InputInvalidError as error:
                return Result(item=item, identity=item.identity(), status=None, error=error.message)
            async with self._slots:
                if self._upcoming.is_stopped():
                    request.remove_files()
                    return None
                response, time_s = await self._ask(item, request)
            if response is None or self._is_forced:
                return None
            reason = self._parts.reasons.of(request.request_id, response)
            if response.status in _NO_WORKER and is_own(response):
                await self._wait_for_worker()
                continue
            return Result(
                item=item,
                identity=identity,
                status=response.status,
                content_type=dict(response.headers).get("Content-Type", ""),
                body=response.body or b"",
                error=reason,
                time_s=time_s,
            )
        return None

    async def _read(self, item: Item) -> tuple[Request, str]:
        if isinstance(item.content, bytes) and item.size_bytes <= INLINE_LIMIT_BYTES:
            return item.read(self._parts.spool, user_agent=self._course.user_agent)
        return await asyncio.to_thread(item.read, self._parts.spool, user_agent=self._course.user_agent)

    async def _ask(self, item: Item, request: Request) -> tuple[Response | None, float]:
        answer = _Answer()
        self._parts.standing.begin(item.name)
        begun = time.monotonic()
        exchange = self._parts.dispatcher.submit(
            request,
            answer,
            may_stream=False,
            on_collected=lambda piece: self._parts.standing.came(item.name, piece),
        )
        self._asked[exchange] = answer
        try:
            response = await answer.response
        finally:
            del self._asked[exchange]
            self._parts.standing.end(item.name)
        if exchange.leased_s is None or exchange.answered_s is None:
            return response, time.monotonic() - begun
        return response, exchange.answered_s - exchange.leased_s

    async def _wait_for_worker(self) -> None:
        since = time.monotonic()
        while not self._parts.engine.has_ready_worker and not self._upcoming.is_stopped():
            if time.monotonic() - since > _PATIENCE_S:
                raise WorkerStartError(
                    f"no worker has been ready for {_PATIENCE_S:g} s: {self._parts.engine.trouble}.",
                    hint="the log says why; --resume goes on with what is done.",
                )
            await asyncio.sleep(_LOOK_S)

    async def _keep(self, result: Result) -> None:
        item = result.item
        await self._parts.output.put(result)
        self._unsynced += 1
        self._parts.tally.add(
            number=item.number,
            name=item.name,
            status=result.status,
            time_s=result.time_s,
            error=result.error,
            is_earlier=False,
        )
        if result.is_failure and self._course.fails_fast:
            self.stop()
        if self._unsynced >= _UNSYNCED:
            await self._sync_now()

    async def _count_inputs(self) -> None:
        self._parts.tally.total = await asyncio.to_thread(self._parts.inputs.count)

    async def _show(self) -> None:
        standing, display = self._parts.standing, self._parts.display
        while True:
            standing.note()
            await asyncio.sleep(display.every_s)
            display.show(standing)

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_S)
            await self._sync_now()

    async def _sync_now(self) -> None:
        self._unsynced = 0
        await self._parts.output.sync()


async def _all_or_first_error(lanes: "list[asyncio.Task[None]]", others: "list[asyncio.Task[None]]") -> None:
    """Wait until all lanes have ended, or any task with an error, which is raised."""
    waiting = {*lanes, *others}
    while not all(lane.done() for lane in lanes):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
