"""A worker's life with several requests at once.

- The main thread runs the event loop of the coroutines, if there are any, and is otherwise idle:
  whatever a signal handler raises there disturbs nothing.
- A thread reads frames and gives requests to the crew.
- A thread of the crew runs each request from its frame to the end of its answer. A synchronous
  handler runs in it; for a coroutine it waits.
"""

import os
import threading
import traceback
from typing import Any, Dict, Optional

from . import failure, frames, labelled_output, session
from .channel import Channel, ChannelClosedError
from .crew import Crew
from .inbox import Inbox
from .request_of_context import RequestOfContext
from .shared_channel import SharedChannel
from .shared_loop import SharedLoop


def run(channel: Channel, inbox: Inbox, init: Dict[str, Any]) -> int:
    """See `session.run`."""
    return session.run(channel, inbox, init, ConcurrentSession)


class ConcurrentSession(session.Session):
    """Serves up to `init["concurrency"]` requests at once.

    Args:
        channel: the connection to the server.
        inbox: gives the requests.
        init: the header of the `init` frame.
    """

    def __init__(self, channel: Channel, inbox: Inbox, init: Dict[str, Any]) -> None:
        self._loop = SharedLoop()
        self._shared = SharedChannel(channel, inbox)
        self._current = RequestOfContext()
        # Before the handler is loaded: its loggers keep the stream that they find.
        labelled_output.install(init["output_mark"].encode("ascii"), self._current)
        self._crew = Crew(self._run, init["concurrency"])
        self._problem: Optional[BaseException] = None
        super(ConcurrentSession, self).__init__(self._shared, init, loop=self._loop)

    def serve(self) -> None:
        """Answer requests until end of file."""
        reader = threading.Thread(target=self._read, name="abeja-reader")
        reader.start()
        self._loop.serve()
        reader.join()
        if self._problem is not None:
            raise self._problem

    def _read(self) -> None:
        try:
            while True:
                frame = self._shared.receive()
                if frame is None:
                    break
                self._begin(frame)
        except BaseException as error:  # the main thread ends the process with it
            self._problem = error
        self._shared.close()
        self._crew.join()
        self._loop.stop()

    def _begin(self, frame: frames.Frame) -> None:
        header, _ = frame
        self._shared.begin(header["id"])
        try:
            self._crew.give(frame)
        except RuntimeError as error:
            self._shared.send({"kind": "error", "id": header["id"], "error": failure.describe(error)})
            self._shared.end(header["id"])

    def _run(self, frame: frames.Frame) -> None:
        header, payload = frame
        self._current.set(header["request_id"])
        try:
            try:
                self.answer(header, payload)
            except BaseException as error:  # SystemExit, GeneratorExit and the user's own too: the worker lives on
                self.report(header["id"], error)
        except ChannelClosedError:
            return  # the reader finds the end of file too
        except BaseException:  # the report cannot be sent, and only the end of the worker tells the server
            traceback.print_exc()
            os._exit(1)
        finally:
            self._current.set("")
            self._shared.end(header["id"])
