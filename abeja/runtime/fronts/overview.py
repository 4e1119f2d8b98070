"""What the management port says of a server that has several fronts."""

from typing import Any

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.fronts.fronts import Fronts


class Overview:
    """The dispatcher and the fronts, asked as the dispatcher alone is.

    Args:
        dispatcher: has the requests.
        fronts: have the connections.
    """

    def __init__(self, dispatcher: Dispatcher, fronts: Fronts) -> None:
        self._dispatcher = dispatcher
        self._fronts = fronts

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return self._dispatcher.waiting

    @property
    def trouble(self) -> str:
        """Why no request can be served now; empty if one can."""
        return self._dispatcher.trouble or self._fronts.trouble

    def report(self) -> dict[str, Any]:
        """The workers and the fronts."""
        return {**self._dispatcher.report(), **self._fronts.report()}
