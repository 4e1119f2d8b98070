"""The model's port: everything on it but /health_check is the handler's."""

from typing import cast
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.connection import Connection, ConnectionState
from abeja.runtime.server.intake import Intake, Policy
from abeja.runtime.spool import Spool


class ModelPort(HTTPServerConnectionDelegate):
    """Makes an `Intake` for each request.

    Args:
        dispatcher: gets the requests.
        spool: for large bodies.
        policy: what is the same for every request.

    Attributes:
        activity: the requests whose answers are still on their way.
    """

    def __init__(self, *, dispatcher: Dispatcher, spool: Spool, policy: Policy) -> None:
        self._dispatcher = dispatcher
        self._spool = spool
        self._policy = policy
        self.activity = Activity()
        self._states: WeakKeyDictionary[object, ConnectionState] = WeakKeyDictionary()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called by the connection for each request."""
        state = self._states.setdefault(server_conn, ConnectionState())
        return Intake(
            cast("Connection", request_conn),
            state=state,
            dispatcher=self._dispatcher,
            spool=self._spool,
            policy=self._policy,
            activity=self.activity,
        )
