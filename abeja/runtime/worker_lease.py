"""The time for which a request has a worker."""

from abeja.runtime.deadlines import Deadlines
from abeja.runtime.engine import Call, Worker


class WorkerLease:
    """The time for which a call has a worker: its deadline runs while the worker does, from `begin` on.

    Args:
        call: who has it, and for how long.
        worker: what it has.
        deadlines: it is one of those that have one.

    Attributes:
        number: the worker's.
        has_begun: the worker runs the request; before that, it waits for others there.
        has_timed_out: the worker was killed for being too slow.
    """

    def __init__(self, call: Call, worker: Worker, deadlines: Deadlines) -> None:
        self._call = call
        self._worker = worker
        self._left_s = call.timeout_s
        self._deadlines = deadlines
        self._is_paused = False
        self.number = worker.number
        self.has_begun = False
        self.has_timed_out = False

    def begin(self) -> None:
        """The worker begins with the request."""
        self.has_begun = True
        if self._left_s is not None:
            self._deadlines.add(self, self._left_s)

    def withdraw(self) -> bool:
        """Take the request back from the worker, if it has not begun; whether that is so."""
        return self._worker.withdraw(self._call)

    def pause(self) -> None:
        """Let the worker wait for the client: that time is not the handler's. A second call does nothing."""
        if not self._is_paused:
            self._is_paused = True
            if self._left_s is not None:
                self._left_s = self._deadlines.meet(self)
            self._worker.pause(self._call)

    def resume(self) -> None:
        """Let the worker go on."""
        if self._is_paused:
            self._is_paused = False
            if self._left_s is not None:
                self._deadlines.add(self, self._left_s)
            self._worker.resume(self._call)

    def cancel_stream(self) -> None:
        """Ask the worker to give up the answer."""
        self.resume()
        self._worker.cancel_stream(self._call)

    def end(self) -> None:
        """The worker has finished with the request."""
        if self._left_s is not None:
            self._deadlines.drop(self)

    def on_missed(self) -> None:
        """See `Timed`."""
        self.has_timed_out = True
        self._worker.kill("took longer than --timeout", cause="timeout", because_of=self._call)
