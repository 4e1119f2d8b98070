"""The model's port: everything on it but /health_check is the handler's."""

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.journal import Journal
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.answer import Clock
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.intake import Intake, Policy
from abeja.runtime.server.request_ids import RequestIds
from abeja.runtime.spool import Spool


class ModelPort:
    """Makes an `Intake` for each request.

    Args:
        dispatcher: gets the requests.
        spool: for large bodies.
        policy: what is the same for every request.
        journal: gets a record of each request.

    Attributes:
        activity: the requests whose answers are still on their way.
    """

    def __init__(self, *, dispatcher: Dispatcher, spool: Spool, policy: Policy, journal: Journal) -> None:
        self._dispatcher = dispatcher
        self._spool = spool
        self._policy = policy
        self._journal = journal
        self._clock = Clock()
        self._ids = RequestIds()
        self.activity = Activity()

    def new_intake(self, connection: Connection) -> Intake:
        """For the request that begins on `connection`."""
        return Intake(
            connection,
            dispatcher=self._dispatcher,
            spool=self._spool,
            policy=self._policy,
            activity=self.activity,
            clock=self._clock,
            new_id=self._ids.new,
            journal=self._journal,
        )
