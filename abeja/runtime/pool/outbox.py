"""The server's end of the memory that one worker shares: of requests that it finds there, and answers that it puts."""

import contextlib

from abeja.runtime.body_memory import BodyMemory
from abeja.runtime.messages import SharedBody
from abeja.runtime.spool import Spool
from abeja.runtime.worker.frames import FrameError, Header


class Outbox:
    """Of one worker. The memory for requests is that of the spool, for all workers.

    Args:
        spool: says how much there is.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._memory: BodyMemory | None = None

    def open(self, opened: contextlib.ExitStack) -> tuple[int, ...]:
        """Make the memory for answers.

        Args:
            opened: closes what only the worker's process needs.

        Returns:
            The descriptors of that for requests and of that for answers, as far as there is any, to be inherited.
        """
        requests = self._spool.memory
        if requests is None:
            return ()
        self._memory = BodyMemory.create(self._spool.memory_bytes)
        if self._memory is None:
            # Its answers are files then, but the requests that it gets may lie in memory all the same.
            return (requests.fileno(),)
        opened.callback(self._memory.close_file)
        return requests.fileno(), self._memory.fileno()

    def body(self, header: Header) -> SharedBody:
        """The body of the answer with this header.

        Raises:
            FrameError: it cannot be there.
        """
        body = None if self._memory is None else self._memory.body(header.get("block"), header.get("size"))
        if body is None:
            raise FrameError("an answer is said to be where none can be")
        return body

    def close(self) -> None:
        """No answer will be put there any more. The memory goes when the last one that is there has been sent."""
        self._memory = None
