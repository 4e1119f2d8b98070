"""What serves the connections of the service port: this process, or several fronts."""

from collections.abc import Callable
from typing import Protocol, Self

from attrs import frozen

from abeja.runtime.admission import Activity, Condition
from abeja.runtime.assembly import Assembly
from abeja.runtime.journal import Journal
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.listener import Front
from abeja.runtime.server.llhttp_front import LlhttpFront
from abeja.runtime.server.metrics import Metrics
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.server.tornado_http import tornado_front
from abeja.runtime.spool import Spool


class Fronts(Protocol):
    """The front processes: see `abeja.runtime.fronts.fronts.Fronts`."""

    async def start(self) -> None:
        """Start them and wait until they are ready."""

    def offer(self, metrics: Metrics) -> None:
        """Offer metrics of them."""

    def publish(self) -> None:
        """Tell them now whether requests are admitted."""


@frozen(kw_only=True)
class Door:
    """Made before anything runs.

    Attributes:
        new_front: makes what takes the connections, as `abeja.runtime.server.listener.Listener` wants it.
        activity: the answers that are on their way.
        condition: for the management port.
        fronts: to be started; None if this process serves.
    """

    new_front: Callable[[Callable[[], None]], Front]
    activity: Activity
    condition: Condition
    fronts: Fronts | None = None

    @classmethod
    def of_this_process(
        cls, assembly: Assembly, *, spool: Spool, policy: Policy, options: Options, journal: Journal
    ) -> Self:
        """This process speaks HTTP."""
        port = ModelPort(dispatcher=assembly.dispatcher, spool=spool, policy=policy, journal=journal)
        front = LlhttpFront if options.http == "llhttp" else tornado_front
        return cls(
            new_front=lambda on_lost: front(port, idle_timeout_s=options.idle_timeout, on_lost=on_lost),
            activity=port.activity,
            condition=assembly.dispatcher,
        )

    @classmethod
    def of_fronts(
        cls, assembly: Assembly, *, spool: Spool, policy: Policy, options: Options, model: Model, journal: Journal
    ) -> Self:
        """``--fronts`` processes speak HTTP."""
        # Only those who ask for them wait for these imports.
        from abeja.runtime.fronts.fronts import Fronts  # noqa: PLC0415
        from abeja.runtime.fronts.overview import Overview  # noqa: PLC0415
        from abeja.runtime.fronts.settings import Settings  # noqa: PLC0415

        settings = Settings(
            policy=policy,
            http=options.http,
            idle_timeout_s=options.idle_timeout,
            log_level=options.log_level,
            is_json=options.log_format == "json",
            folder_name=model.folder.name,
            environ=model.environment,
            is_watched=journal.is_watched,
        )
        fronts = Fronts(
            size=options.fronts,
            settings=settings,
            dispatcher=assembly.dispatcher,
            pool=assembly.pool,
            spool=spool,
            journal=journal,
        )
        condition = Overview(assembly.dispatcher, fronts)
        return cls(new_front=fronts.serving, activity=fronts, condition=condition, fronts=fronts)
