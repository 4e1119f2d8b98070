"""Puts together what answers a model's requests: its workers and their dispatcher."""

from attrs import frozen

from abeja.runtime import answers
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.pool.limits import Limits
from abeja.runtime.pool.pool import Pool
from abeja.runtime.spool import Spool

_UNLIMITED = Limits()


@frozen
class Assembly:
    """What every front needs: the server, `run-local`, the test client.

    Attributes:
        pool: the workers; whoever made the assembly stops it.
        dispatcher: gives them requests.
    """

    pool: Pool
    dispatcher: Dispatcher

    @classmethod
    def configured(
        cls,
        model: Model,
        options: Options,
        *,
        spool: Spool,
        version: str,
        queue_limit: int,
        waits_for_change: bool = False,
    ) -> "Assembly":
        """The workers of a model as the options want them; see `of`."""
        return cls.of(
            model,
            spool=spool,
            version=version,
            startup_timeout_s=options.startup_timeout,
            timeout_s=options.timeout,
            workers=options.workers,
            concurrency=options.concurrency,
            queue_limit=queue_limit,
            limits=Limits(requests=options.max_requests, resident_bytes=options.max_rss, age_s=options.max_age),
            waits_for_change=waits_for_change,
        )

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        spool: Spool,
        version: str,
        startup_timeout_s: float,
        timeout_s: float | None,
        workers: int = 1,
        concurrency: int = 1,
        queue_limit: int = 1,
        limits: Limits = _UNLIMITED,
        waits_for_change: bool = False,
    ) -> "Assembly":
        """The workers of a model, not started yet.

        Args:
            model: what they run.
            spool: for large bodies.
            version: of abeja-runtime.
            startup_timeout_s: how long importing the handler may take.
            timeout_s: how long the handler may take for one request; None for as long as it likes.
            workers: how many.
            concurrency: how many requests each of them runs at once.
            queue_limit: how many requests may wait for one.
            limits: what a worker may reach before it is renewed.
            waits_for_change: whether a handler that does not load is waited for until `Pool.reload` is called.
        """
        pool = Pool(
            model=model,
            size=workers,
            concurrency=concurrency,
            spool=spool,
            version=version,
            startup_timeout_s=startup_timeout_s,
            limits=limits,
            waits_for_change=waits_for_change,
        )
        headers = ((answers.VERSION_HEADER, version), *model.identity_headers)
        dispatcher = Dispatcher(pool, spool=spool, queue_limit=queue_limit, timeout_s=timeout_s, headers=headers)
        return cls(pool, dispatcher)
