"""What the page is told: what is served, and how it is doing."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.events import RequestRecord
from abeja.runtime.journal import REQUESTS_ANSWERED, Journal
from abeja.runtime.model import Model
from abeja.runtime.observer import Observer
from abeja.runtime.options import Options
from abeja.runtime.plugin_source import Source
from abeja.runtime.pool.pool import Pool
from abeja.runtime.server.console import concealment, history
from abeja.runtime.server.console.gate import Gate
from abeja.runtime.server.console.packages import Packages
from abeja.runtime.version import VERSION

# Addresses that mean all of the machine's; one of them is asked.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (they are looked for)
_LOGGERS = ("abeja.runtime", "tornado")


class Console:
    """The console of one server.

    Args:
        model: what is served.
        options: how.
        dispatcher: knows the requests that wait.
        pool: knows the workers.
        service: the address and port that the service listens on.
        journal: tells of requests.
        environ: the variables of the server, to tell those that handlers get beside them.
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
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._model = model
        self._options = options
        self._dispatcher = dispatcher
        self._pool = pool
        self._environ = environ
        self._started_s = time.time()
        self._packages = Packages(model)
        self._journal = journal
        self._requests: history.Ring[RequestRecord] = history.Ring(history.REQUESTS)
        self._log = history.LogRing()
        self.gate = Gate.of(options.host, *options.console_hosts)
        host, port = service
        self.service_address = (_LOOPBACK.get(host, host), port)

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

    @property
    def service_authority(self) -> str:
        """Host and port, as in a URL."""
        host, port = self.service_address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def facts(self) -> dict[str, Any]:
        """What is served, which does not change while the server runs, but for packages."""
        model, options = self._model, self._options
        packages = await self._packages.read()
        given = {name: value for name, value in model.environment.items() if self._environ.get(name) != value}
        inherited = {name: value for name, value in model.environment.items() if name not in given}
        return {
            "version": VERSION,
            "handler": model.handler,
            "folder": str(model.folder),
            "image_version": model.image.name,
            "released": str(model.image.released) if model.image.released else None,
            "abi": {
                "name": model.abi.name,
                "methods": sorted(model.abi.methods),
                "parses_multipart": model.abi.parses_multipart,
                "media_types": list(model.abi.media_types),
            },
            "encoders": [encoder.name for encoder in model.encoders],
            "python": str(model.python),
            "port": self.service_address[1],
            "started_s": self._started_s,
            "limits": {
                "workers": options.workers,
                "concurrency": options.concurrency,
                "queue": options.queue,
                "timeout_s": options.timeout,
                "max_body_bytes": options.max_body,
                "is_reloading": options.reload,
            },
            "packages": None if packages is None else [attrs.asdict(package) for package in packages],
            "variables": {"given": concealment.shown(given), "inherited": concealment.shown(inherited)},
        }

    def live(self, *, requests_from: int, log_from: int) -> dict[str, Any]:
        """How it is doing.

        Args:
            requests_from: the number of the first request to tell of; -1 for all that are kept.
            log_from: the same for records of the log.
        """
        self._journal.flush()
        pool, failure = self._pool, self._pool.load_failure
        requests = [history.request_fields(*item) for item in self._requests.since(requests_from)]
        return {
            "started_s": self._started_s,
            "trouble": self._dispatcher.trouble,
            "waiting": self._dispatcher.waiting,
            "python": pool.python_version,
            **self._dispatcher.report(),
            "load_failure": None if failure is None else {"text": failure.report(), "traceback": failure.traceback},
            "requests": _told(self._requests.count, requests),
            "log": _told(self._log.ring.count, [history.log_fields(*item) for item in self._log.ring.since(log_from)]),
        }


def _told(following: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Items, and the number to ask from next time."""
    return {"next": following, "items": items}
