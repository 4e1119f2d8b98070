"""The life of a server: listen, start the workers, serve until a signal, drain, leave nothing behind."""

import asyncio
import logging
import resource
import signal
from collections.abc import Callable, Sequence

import attrs
from attrs import frozen

from abeja.runtime.admission import Activity
from abeja.runtime.assembly import Assembly
from abeja.runtime.config import FILE_NAME
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.errors import OptionInvalidError
from abeja.runtime.journal import Journal
from abeja.runtime.messages import hidden_headers
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.plugins import Plugins
from abeja.runtime.pool.pool import Pool
from abeja.runtime.server.console.console import Console
from abeja.runtime.server.door import Door, Fronts
from abeja.runtime.server.event_loop import new_event_loop
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.listener import Listener, bind, default_limit, url
from abeja.runtime.server.management import management_application
from abeja.runtime.server.observation import Observation
from abeja.runtime.server.tornado_http import CountedServer
from abeja.runtime.spool import Spool
from abeja.runtime.watch import changes

_log = logging.getLogger("abeja.runtime")

# What the original gave running requests when it was told to stop.
_DRAIN_S = 25.0
# For the answers to those who were still waiting then.
_LAST_ANSWERS_S = 1.0
# Of the files that changed, in a line of the log.
_SHOWN_CHANGES = 3
# Bodies on the management port are not looked at.
_MANAGEMENT_BYTES = 64 * 1024
# Health checks come from a handful of programs, on connections that the model's port has left over.
_MANAGEMENT_CONNECTIONS = 64


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
        plugins: those that observe hear of what happens; None for nobody.
        on_ready: called once when the workers are ready.
    """

    def __init__(
        self,
        model: Model,
        options: Options,
        *,
        version: str,
        plugins: Plugins | None = None,
        on_ready: Callable[[Addresses], None] = lambda _: None,
    ) -> None:
        self._model = _without_bytecode(model) if options.reload else model
        self._plugins = plugins
        self._journal = Journal()
        self._options = options
        self._version = version
        self._on_ready = on_ready
        self._console: Console | None = None
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
        _log.debug("event loop: %s; HTTP: %s", type(loop).__module__, self._options.http)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        options = self._options
        with (
            # Fronts are other processes: what they read goes to the workers in files.
            Spool(memory_bytes=options.body_memory if options.fronts == 1 else 0) as spool,
            Observation(
                self._model,
                plugins=self._plugins,
                version=self._version,
                journal=self._journal,
                scratch=spool.folder,
            ) as observation,
        ):
            assembly = Assembly.configured(
                observation.model,
                options,
                spool=spool,
                version=self._version,
                queue_limit=options.queue,
                waits_for_change=options.reload,
            )
            pool, dispatcher = assembly.pool, assembly.dispatcher
            door, listeners, addresses = self._listen(assembly, spool, observation)
            observation.begin(pool, door.condition, door.activity)
            _log.info("listening on %s (health on %s)", addresses.service, addresses.health)
            try:
                await self._serve(dispatcher, pool, door.fronts, addresses)
            finally:
                await self._shut_down(dispatcher, pool, door.activity, listeners)
                if self._console is not None:
                    self._console.close()

    async def _serve(self, dispatcher: Dispatcher, pool: Pool, fronts: Fronts | None, addresses: Addresses) -> None:
        # From here on: a handler that does not load is mended while the server waits.
        watching = asyncio.ensure_future(self._reload(pool)) if self._options.reload else None
        try:
            await self._serve_until_stopped(dispatcher, pool, fronts, addresses)
        finally:
            if watching is not None:
                watching.cancel()

    async def _serve_until_stopped(
        self, dispatcher: Dispatcher, pool: Pool, fronts: Fronts | None, addresses: Addresses
    ) -> None:
        starting = asyncio.ensure_future(_start(dispatcher, fronts))
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
        await stopping

    async def _reload(self, pool: Pool) -> None:
        folder = self._model.folder
        at_start = {*self._model.read_at_start, folder / FILE_NAME}
        async for files in changes(folder):
            shown = ", ".join(str(path.relative_to(folder)) for path in files[:_SHOWN_CHANGES])
            more = f" and {len(files) - _SHOWN_CHANGES} more" if len(files) > _SHOWN_CHANGES else ""
            for path in at_start.intersection(files):
                _log.warning("%s is read when the server starts: restart it for the change", path.relative_to(folder))
            pool.reload(f"{shown}{more} changed (--reload)", is_code=any(path.suffix == ".py" for path in files))

    async def _shut_down(
        self, dispatcher: Dispatcher, pool: Pool, activity: Activity, listeners: Sequence[Listener]
    ) -> None:
        dispatcher.begin_drain()
        listeners[0].stop()
        if not await self._is_idle_within(_DRAIN_S, activity):
            # Whoever still waits gets an answer, before its connection closes.
            dispatcher.abandon_waiting()
            pool.kill()
        await pool.stop()
        # Those that a worker gave back unread, if any.
        dispatcher.abandon_waiting()
        await self._is_idle_within(_LAST_ANSWERS_S, activity)
        for listener in listeners:
            listener.stop()
            await listener.close_all()

    async def _is_idle_within(self, limit_s: float, activity: Activity) -> bool:
        """Wait until every answer has left, but not after a second signal."""
        idle = asyncio.ensure_future(activity.wait_until_idle())
        forced = asyncio.ensure_future(self._force.wait())
        await asyncio.wait((idle, forced), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        is_idle = idle.done()
        idle.cancel()
        forced.cancel()
        return is_idle

    def _listen(
        self, assembly: Assembly, spool: Spool, observation: Observation
    ) -> tuple[Door, tuple[Listener, Listener], Addresses]:
        options = self._options
        hidden = hidden_headers(self._model.abi.hidden_headers, options.strip_headers)
        policy = Policy(abi=self._model.abi, max_body_bytes=options.max_body, hidden=hidden)
        if options.port == options.health_port != 0:
            raise OptionInvalidError(
                f"--port and --health-port are both {options.port}.", hint="they must differ; 0 takes any free port."
            )
        service_sockets = bind(options.host, options.port, "--port")
        health_sockets = bind(options.host, options.health_port, "--health-port")
        idle_s = options.idle_timeout
        service = service_sockets[0].getsockname()[:2]
        if options.console:
            self._console = self._open_console(observation.model, assembly, service)
        door = self._door(assembly, spool, policy, observation)

        def management(on_lost: Callable[[], None]) -> CountedServer:
            server = CountedServer(
                management_application(
                    door.condition, self._model, observation.metrics, service_port=service[1], console=self._console
                ),
                idle_connection_timeout=idle_s,
                body_timeout=idle_s,
                max_body_size=_MANAGEMENT_BYTES,
            )
            server.on_lost = on_lost
            return server

        listeners = (
            Listener(
                "service port",
                service_sockets,
                door.new_front,
                limit=self._connection_limit,
            ),
            Listener("management port", health_sockets, management, limit=_MANAGEMENT_CONNECTIONS),
        )
        return door, listeners, Addresses(url(service_sockets), url(health_sockets))

    def _door(self, assembly: Assembly, spool: Spool, policy: Policy, observation: Observation) -> Door:
        options, journal = self._options, self._journal
        if options.fronts == 1:
            return Door.of_this_process(assembly, spool=spool, policy=policy, options=options, journal=journal)
        door = Door.of_fronts(
            assembly, spool=spool, policy=policy, options=options, model=observation.model, journal=journal
        )
        if door.fronts is not None:
            door.fronts.offer(observation.metrics)
        return door

    @property
    def _connection_limit(self) -> int:
        possible = default_limit(self._options.workers)
        asked = self._options.max_connections or possible
        # Any front may come to have all, and cannot give back what it has no descriptor for.
        return min(asked, possible) if self._options.fronts > 1 else asked

    def _open_console(self, model: Model, assembly: Assembly, service: tuple[str, int]) -> Console:
        console = Console(
            model=model,
            options=self._options,
            dispatcher=assembly.dispatcher,
            pool=assembly.pool,
            service=service,
            journal=self._journal,
        )
        console.open()
        return console

    def _signalled(self) -> None:
        self._signals += 1
        if self._signals == 1:
            _log.info("stopping: no new requests are taken, running ones finish")
            self._stop.set()
        else:
            _log.warning("stopping at once")
            self._force.set()


async def _start(dispatcher: Dispatcher, fronts: Fronts | None) -> None:
    """Start the workers, and the fronts beside them."""
    if fronts is None:
        await dispatcher.start()
        return
    await asyncio.gather(dispatcher.start(), fronts.start())
    # Whoever is told that the server is ready finds it so.
    fronts.publish()


def _without_bytecode(model: Model) -> Model:
    """Bytecode is told from that of a file saved later by the second and the size: two saves may look like one."""
    return attrs.evolve(model, environment={**model.environment, "PYTHONDONTWRITEBYTECODE": "1"})


def serve(
    model: Model,
    options: Options,
    *,
    version: str,
    plugins: Plugins | None = None,
    on_ready: Callable[[Addresses], None] = lambda _: None,
) -> None:
    """Run a `Server` until it is told to stop; see `Server.run`."""
    # Every connection is a descriptor: as many as this user may have.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def run() -> None:
        await Server(model, options, version=version, plugins=plugins, on_ready=on_ready).run()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())
