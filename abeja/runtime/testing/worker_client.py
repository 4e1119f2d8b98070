"""A handler called in a worker: all of the way but HTTP."""

import asyncio
import contextlib
from typing import Any

from abeja.runtime.assembly import Assembly
from abeja.runtime.local import call as dispatched
from abeja.runtime.messages import Body, Content, Request, whole
from abeja.runtime.model import Model
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from abeja.runtime.testing.handler_path.abeja_handler_testing import Answer, Client
from abeja.runtime.testing.handler_path.abeja_handler_testing.call import Call, Part
from abeja.runtime.version import VERSION


class WorkerClient(Client):
    """Calls a handler in a worker process of its own, through the dispatcher and the pool, as the server does.

    What the handler raises is the answer 500, and its traceback is in the log (`caplog`), logger
    ``abeja.runtime``; what it prints too.

    Args:
        model: what the worker runs.
        settings: `settings_of` the model.
        startup_timeout_s: how long importing the handler may take.
        timeout_s: how long the handler may take for one request; None for as long as it likes.

    Raises:
        HandlerLoadError: the handler does not load.
        WorkerStartError: the worker ended or stayed silent before it was ready.
    """

    def __init__(
        self, model: Model, *, settings: dict[str, Any], startup_timeout_s: float, timeout_s: float | None
    ) -> None:
        super().__init__(settings)
        _refuse_inside_a_loop()
        with contextlib.ExitStack() as opened:
            self._spool = opened.enter_context(Spool())
            # The workers live as long as this loop, which runs while something is asked.
            self._runner = opened.enter_context(asyncio.Runner())
            self._runner.run(self._start(model, startup_timeout_s=startup_timeout_s, timeout_s=timeout_s))
            opened.callback(lambda: self._runner.run(self._assembly.pool.stop()))
            self._opened = opened.pop_all()

    def _release(self) -> None:
        self._opened.close()

    async def _start(self, model: Model, *, startup_timeout_s: float, timeout_s: float | None) -> None:
        # Made in the loop that it lives in.
        self._assembly = Assembly.of(
            model, spool=self._spool, version=VERSION, startup_timeout_s=startup_timeout_s, timeout_s=timeout_s
        )
        try:
            await self._assembly.dispatcher.start()
        except BaseException:  # cancelled, or the handler does not load
            await self._assembly.pool.stop()
            raise

    def _perform(self, call: Call) -> Answer:
        response = self._runner.run(dispatched(self._assembly.dispatcher, self._request(call)))
        body = whole(response.body or b"")
        response.remove_files()
        return Answer(response.status, list(response.headers), body)

    def _request(self, call: Call) -> Request:
        budget = MemoryBudget()
        parts = call.contents(parses_multipart=self._settings["parses_multipart"])
        return Request(
            request_id=call.request_id,
            method="GET" if call.method == "HEAD" else call.method,
            path=call.path,
            query=call.query,
            content_type=call.content_type,
            headers=tuple((name, tuple(values)) for name, values in call.headers(self._settings["hidden"])),
            contents=tuple(self._content(part, budget) for part in parts),
        )

    def _content(self, part: Part, budget: MemoryBudget) -> Content:
        return Content(
            body=self._body(part, budget),
            content_type=part.content_type,
            file_name=part.file_name,
            form_name=part.form_name,
        )

    def _body(self, part: Part, budget: MemoryBudget) -> Body:
        sink = BodySink(self._spool, budget)
        sink.write(part.body)
        return sink.close()


def _refuse_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "a client with worker=True cannot be used inside a running event loop: "
        "make and call it in a thread, as with `await asyncio.to_thread(...)`"
    )
