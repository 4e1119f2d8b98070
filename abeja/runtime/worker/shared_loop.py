"""One event loop for the coroutines of all requests of a worker."""

import os
import threading
import traceback
from typing import Any, Awaitable, Optional, Tuple


class SharedLoop(object):
    """An event loop in the main thread, to which the threads of requests give coroutines.

    The main thread, because that is where Python runs signal handlers and where asyncio (up to 3.7)
    watches over subprocesses: a coroutine finds what it finds when requests run one at a time. The
    loop is made when the first coroutine comes.

    Make it in the main thread.
    """

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._owner_pid = os.getpid()
        self._wanted = threading.Event()
        self._made = threading.Event()
        self._is_over = False
        self._loop: Optional[Any] = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """What `awaitable` gives or raises; the calling thread waits, the loop runs others meanwhile.

        Raises:
            RuntimeError: called by a coroutine, or a callback, on the loop itself.
        """
        if threading.get_ident() == self._main:
            # The handler is being loaded: nothing runs yet.
            value, error = self._open().run_until_complete(self._outcome(awaitable))
        else:
            # Imported by the one who needs it first: asyncio is a tenth of a second of start-up.
            import asyncio

            self._wanted.set()
            self._made.wait()
            value, error = asyncio.run_coroutine_threadsafe(self._outcome(awaitable), self._open()).result()
        if error is not None:
            raise error
        return value

    def serve(self) -> None:
        """Run coroutines until `stop`; to be called by the main thread."""
        while not self._is_over:
            try:
                self._wanted.wait()
                if not self._is_over:
                    self._open().run_forever()
            except BaseException:  # raised by a signal handler or a callback of the user's: no request's own
                traceback.print_exc()

    def stop(self) -> None:
        """Let `serve` return. Called when no thread waits for a coroutine any more."""
        self._is_over = True
        self._wanted.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _open(self) -> Any:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
            self._made.set()
        return self._loop

    async def _outcome(self, awaitable: Awaitable[Any]) -> Tuple[Any, Optional[BaseException]]:
        """The result or the exception, as values: asyncio would end the loop with a SystemExit."""
        value: Any = None
        error: Optional[BaseException] = None
        try:
            value = await awaitable
        except BaseException as raised:  # the request's own, whatever it is
            error = raised
        if os.getpid() != self._owner_pid:
            os._exit(0)  # a child that the coroutine forked: nobody waits for its result
        return value, error
