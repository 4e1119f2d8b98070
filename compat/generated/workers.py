"""Two long-lived workers with the same handler: the original and ours."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compat import original, worker_socket
from compat.original import OriginalSocket
from compat.outcomes import Outcome
from compat.pairs import Pair, Request
from compat.worker_socket import WorkerSocket

# Sets of text come in the same order in both.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


class Workers:
    """Both workers.

    Args:
        original: it gets a new connection after it has closed one.
        ours: it has to stay.
    """

    def __init__(self, original: OriginalSocket, ours: WorkerSocket) -> None:
        self._original = original
        self._ours = ours
        self._numbers = itertools.count(1)

    def original(self, request: Request) -> Outcome:
        """What the original makes of `request`."""
        outcome = self._original.call(0, request)
        if outcome == original.CLOSED:
            self._original.reconnect()
        return outcome

    def ours(self, request: Request) -> Outcome:
        """What our worker makes of `request`."""
        return self._ours.call(next(self._numbers), request)


@contextmanager
def started(handler: Path, *, environment: Path) -> Iterator[Workers]:
    """Both workers for a handler.

    Args:
        handler: a module with a function `handler`.
        environment: of the original, whose Python both run on.
    """
    pair = Pair(name=handler.stem, handler=handler.read_text(), environment=_ENVIRONMENT)
    python = str(environment / "bin" / "python")
    with (
        original.started(pair, environment=environment) as theirs,
        worker_socket.started(pair, python=python) as ours,
    ):
        yield Workers(theirs, ours)
