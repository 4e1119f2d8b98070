"""What the console keeps while the server runs: the last requests, the log, and who knows the rest."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.events import RequestRecord
from abeja.runtime.journal import REQUESTS_ANSWERED, Journal
from abeja.runtime.model import Model
from abeja.runtime.observer import Observer
from abeja.runtime.options import Options
from abeja.runtime.plugin_source import Source
from abeja.runtime.pool.pool import Pool
from abeja.runtime.secrets import Secrets
from abeja.runtime.server.console import history
from abeja.runtime.version import VERSION

# Addresses that mean all of the machine's; one of them is asked.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (they are looked for)
_LOGGERS = ("abeja.runtime", "tornado", "asyncio")


class Console:
    """The console of one server.

    Args:
        model: what is served.
        options: how.
        dispatcher: knows the requests that wait.
        pool: knows the workers.
        service: the address and port that the service listens on.
        journal: tells of requests.

    Attributes:
        model, options: see there.
        service_address: where the console itself reaches the service.
        started_s: when it was made, in seconds since 1970; tells one server from the next.
    """

    def __init__(
        self,
        *,
        model: Model,
        options: Options,
        dispatcher: Dispatcher,
        pool: Pool,
        service: tuple[str, int],
        journal: Journal,
    ) -> None:
        self.model = model
        self.options = options
        self.started_s = time.time()
        host, port = service
        self.service_address = (_LOOPBACK.get(host, host), port)
        self._dispatcher = dispatcher
        self._pool = pool
        self._journal = journal
        self._requests: history.Ring[RequestRecord] = history.Ring(history.REQUESTS)
        self._secrets = Secrets.of({**os.environ, **model.environment})
        self._log = history.LogRing(self._secrets)

    def open(self) -> None:
        """Begin to keep what happens."""
        self._journal.join(
            Observer(
                source=Source("console", "abeja-runtime", VERSION, lambda: None),
                hook=REQUESTS_ANSWERED,
                function=self._requests.extend,
                arguments=("records",),
            )
        )
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._log)

    def close(self) -> None:
        """End it."""
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._log)

    def live(self, *, requests_from: int, log_from: int) -> dict[str, Any]:
        """How the service is doing.

        Args:
            requests_from: the number of the first request to tell of; -1 for all that are kept.
            log_from: the same for records of the log.
        """
        self._journal.flush()
        pool, failure = self._pool, self._pool.last_failure
        requests = [history.request_fields(*item) for item in self._requests.since(requests_from)]
        hide, report = self._secrets.hide, self._dispatcher.report()
        last_exit = report["last_exit"]
        return {
            "started_s": self.started_s,
            "trouble": hide(self._dispatcher.trouble),
            "waiting": self._dispatcher.waiting,
            "python": pool.python_version,
            **report,
            # It quotes what the handler raised.
            "last_exit": last_exit and {**last_exit, "reason": hide(last_exit["reason"])},
            "last_failure": failure
            and {
                "text": hide(failure.error.report()),
                "traceback": hide(failure.error.traceback),
                "is_serving": failure.is_serving,
            },
            "requests": _told(self._requests.count, requests),
            "log": _told(self._log.ring.count, self._log.since(log_from)),
        }


def _told(following: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Items, and the number to ask from next time."""
    return {"next": following, "items": items}
