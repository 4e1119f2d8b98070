"""The life of a server: listen, start the workers, serve until a signal, drain, leave nothing behind."""

import asyncio
import errno
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from attrs import frozen
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from abeja.runtime.assembly import Assembly
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.errors import OptionInvalidError, PortInUseError
from abeja.runtime.messages import hidden_headers
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.pool.limits import Limits
from abeja.runtime.pool.pool import Pool
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.management import management_application
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.spool import Spool
from abeja.runtime.watch import changes

_log = logging.getLogger("abeja.runtime")

# What the original gave running requests when it was told to stop.
_DRAIN_S = 25.0
# For the answers to those who were still waiting then.
_LAST_ANSWERS_S = 1.0
# Of the files that changed, in a line of the log.
_SHOWN_CHANGES = 3
# Tornado's defaults are not for the open: an idle connection stays for an hour, a body for ever.
_IDLE_CONNECTION_S = 75.0
_BODY_S = 300.0
_READ_BYTES = 64 * 1024
_BUFFER_BYTES = 4 * _READ_BYTES
_HEAD_LIMIT_BYTES = 64 * 1024


@frozen
class Addresses:
    """Where the server listens.

    Attributes:
        service: URL of the model's port.
        health: URL of the management port.
    """

    service: str
    health: str


class Server:
    """Serves one model over HTTP.

    Args:
        model: what to serve.
        options: ports, limits, workers.
        version: of abeja-runtime.
        on_ready: called once when the workers are ready.
    """

    def __init__(
        self,
        model: Model,
        options: Options,
        *,
        version: str,
        on_ready: Callable[[Addresses], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._options = options
        self._version = version
        self._on_ready = on_ready
        self._signals = 0
        self._stop = asyncio.Event()
        self._force = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one stops at once.

        Raises:
            PortInUseError: a port is taken.
            HandlerLoadError: the handler does not load.
            WorkerStartError: a worker ended or stayed silent before it was ready.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        options, model = self._options, self._model
        with Spool() as spool:
            assembly = Assembly.of(
                model,
                spool=spool,
                version=self._version,
                startup_timeout_s=options.startup_timeout,
                timeout_s=options.timeout,
                workers=options.workers,
                concurrency=options.concurrency,
                queue_limit=options.queue,
                limits=Limits(requests=options.max_requests, resident_bytes=options.max_rss, age_s=options.max_age),
            )
            pool, dispatcher = assembly.pool, assembly.dispatcher
            port, servers, addresses = self._listen(dispatcher, spool)
            _log.info("listening on %s (health on %s)", addresses.service, addresses.health)
            try:
                await self._serve(dispatcher, pool, addresses)
            finally:
                await self._shut_down(dispatcher, pool, port, servers)

    async def _serve(self, dispatcher: Dispatcher, pool: Pool, addresses: Addresses) -> None:
        starting = asyncio.ensure_future(dispatcher.start())
        stopping = asyncio.ensure_future(self._stop.wait())
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, pool.renew, "SIGHUP")
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if self._stop.is_set():
            starting.cancel()
            return
        await starting
        model = self._model
        _log.info(
            "ready: %s of %s, image version %s (ABI %s), Python %s",
            model.handler,
            model.folder,
            model.image.name,
            model.abi.name,
            pool.python_version,
        )
        self._on_ready(addresses)
        watching = asyncio.ensure_future(self._reload(pool)) if self._options.reload else None
        await stopping
        if watching is not None:
            watching.cancel()

    async def _reload(self, pool: Pool) -> None:
        folder = self._model.folder
        async for files in changes(folder):
            shown = ", ".join(str(path.relative_to(folder)) for path in files[:_SHOWN_CHANGES])
            more = f" and {len(files) - _SHOWN_CHANGES} more" if len(files) > _SHOWN_CHANGES else ""
            pool.renew(f"{shown}{more} changed (--reload)")

    async def _shut_down(
        self, dispatcher: Dispatcher, pool: Pool, port: ModelPort, servers: Sequence[HTTPServer]
    ) -> None:
        servers[0].stop()
        dispatcher.begin_drain()
        if not await self._is_idle_within(_DRAIN_S, port):
            # Whoever still waits gets an answer, before its connection closes.
            dispatcher.abandon_waiting()
            pool.kill()
        await pool.stop()
        await self._is_idle_within(_LAST_ANSWERS_S, port)
        for server in servers:
            server.stop()
            await server.close_all_connections()

    async def _is_idle_within(self, limit_s: float, port: ModelPort) -> bool:
        """Wait until every answer has left, but not after a second signal."""
        idle = asyncio.ensure_future(port.activity.wait_until_idle())
        forced = asyncio.ensure_future(self._force.wait())
        await asyncio.wait((idle, forced), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        is_idle = idle.done()
        idle.cancel()
        forced.cancel()
        return is_idle

    def _listen(
        self, dispatcher: Dispatcher, spool: Spool
    ) -> tuple[ModelPort, tuple[HTTPServer, HTTPServer], Addresses]:
        options = self._options
        hidden = hidden_headers(self._model.abi.hidden_headers, options.strip_headers)
        policy = Policy(abi=self._model.abi, max_body_bytes=options.max_body, hidden=hidden)
        if options.port == options.health_port != 0:
            raise OptionInvalidError(
                f"--port and --health-port are both {options.port}.", hint="they must differ; 0 takes any free port."
            )
        service_sockets = _bind(options.host, options.port, "--port")
        health_sockets = _bind(options.host, options.health_port, "--health-port")
        port = ModelPort(dispatcher=dispatcher, spool=spool, policy=policy)
        service = HTTPServer(
            port,
            idle_connection_timeout=_IDLE_CONNECTION_S,
            body_timeout=_BODY_S,
            chunk_size=_READ_BYTES,
            max_buffer_size=_BUFFER_BYTES,
            max_header_size=_HEAD_LIMIT_BYTES,
            # The limit is the intake's, which can answer 413.
            max_body_size=sys.maxsize,
        )
        health = HTTPServer(
            management_application(dispatcher, self._model),
            idle_connection_timeout=_IDLE_CONNECTION_S,
            body_timeout=_BODY_S,
            max_body_size=_READ_BYTES,
            max_header_size=_HEAD_LIMIT_BYTES,
        )
        service.add_sockets(service_sockets)
        health.add_sockets(health_sockets)
        return port, (service, health), Addresses(_url(service_sockets), _url(health_sockets))

    def _signalled(self) -> None:
        self._signals += 1
        if self._signals == 1:
            _log.info("stopping: no new requests are taken, running ones finish")
            self._stop.set()
        else:
            _log.warning("stopping at once")
            self._force.set()


def serve(
    model: Model,
    options: Options,
    *,
    version: str,
    on_ready: Callable[[Addresses], None] = lambda _: None,
) -> None:
    """Run a `Server` until it is told to stop; see `Server.run`."""
    # Every connection is a descriptor: as many as this user may have.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def run() -> None:
        await Server(model, options, version=version, on_ready=on_ready).run()

    asyncio.run(run())


def _bind(host: str, port: int, flag: str) -> list[socket.socket]:
    try:
        return bind_sockets(port, address=host)
    except (socket.gaierror, UnicodeError) as error:
        raise OptionInvalidError(f"--host {host}: {error}.", hint="127.0.0.1, 0.0.0.0 or a name.") from error
    except OSError as error:
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
        raise PortInUseError(
            f"port {port} of {host} {what}.", hint=f"choose another with {flag}, or 0 for any free one."
        ) from error


def _url(sockets: Sequence[socket.socket]) -> str:
    host, port = sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
