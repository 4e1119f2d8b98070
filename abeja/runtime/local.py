"""Runs a handler once, on the same path as serving: a worker process, the real ABI and encoders."""

import asyncio
import signal

from abeja.runtime.assembly import Assembly
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.messages import Request, Response
from abeja.runtime.model import Model
from abeja.runtime.spool import Spool


class _Collector:
    """A `Receiver` that takes whole answers only: it is submitted with ``may_stream=False``."""

    def __init__(self) -> None:
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    takes_body = True

    def respond(self, response: Response) -> None:
        if self.response.done():
            response.remove_files()  # the run was interrupted
        else:
            self.response.set_result(response)

    def write(self, data: bytes) -> None:
        raise NotImplementedError("only for streamed answers", len(data))

    def finish(self, *, is_complete: bool) -> None:
        raise NotImplementedError("only for streamed answers", is_complete)


async def call(dispatcher: Dispatcher, request: Request) -> Response:
    """The complete answer to one request."""
    collector = _Collector()
    dispatcher.submit(request, collector, may_stream=False)
    return await collector.response


async def run_once(
    model: Model, request: Request, *, spool: Spool, version: str, startup_timeout_s: float, timeout_s: float | None
) -> Response:
    """Start a worker, hand it one request, stop it.

    Args:
        model: what to run.
        request: what to ask it.
        spool: for large bodies; the response's body may be a file in it.
        version: of abeja-runtime.
        startup_timeout_s: how long importing the handler may take.
        timeout_s: how long the handler may take; None for as long as it likes.

    Raises:
        HandlerLoadError: the handler does not load.
        WorkerStartError: the worker ended or stayed silent before it was ready.
    """
    task = asyncio.current_task()
    if task is not None:
        # Like Ctrl-C, so that the worker ends and the spool goes.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    assembly = Assembly.of(
        model, spool=spool, version=version, startup_timeout_s=startup_timeout_s, timeout_s=timeout_s
    )
    try:
        await assembly.dispatcher.start()
        return await call(assembly.dispatcher, request)
    finally:
        await assembly.pool.stop()
