"""The model's port: everything on it but /health_check is the handler's."""

from collections.abc import Callable
from functools import partial

from abeja.runtime.admission import Admission
from abeja.runtime.journal import Journal
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.answer import Clock
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.intake import Intake, Means, Policy
from abeja.runtime.server.request_ids import RequestIds
from abeja.runtime.spool import BodyFolder


class ModelPort:
    """Makes an `Intake` for each request.

    Args:
        dispatcher: gets the requests.
        spool: for large bodies.
        policy: what is the same for every request.
        journal: gets a record of each request.

    Attributes:
        activity: the requests whose answers are still on their way.
        new_intake: for the request that begins on a connection.
    """

    def __init__(self, *, dispatcher: Admission, spool: BodyFolder, policy: Policy, journal: Journal) -> None:
        self.activity = Activity()
        means = Means(
            dispatcher=dispatcher,
            spool=spool,
            policy=policy,
            activity=self.activity,
            clock=Clock(),
            new_id=RequestIds().new,
            journal=journal,
        )
        self.new_intake: Callable[[Connection], Intake] = partial(Intake, means=means)
