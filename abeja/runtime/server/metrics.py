"""``/metrics`` of the management port: what observers offer, in a text format of Prometheus."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

_log = logging.getLogger("abeja.runtime")

Collect = Callable[[], Iterable[Any]]


class Metrics:
    """The metrics of one server.

    Args:
        before: called first, so that what has just happened is counted.
    """

    def __init__(self, *, before: Callable[[], None]) -> None:
        self._before = before
        self._offers: list[Collect] = []

    @property
    def are_offered(self) -> bool:
        """Whether there are any."""
        return bool(self._offers)

    def offer(self, collect: Collect) -> None:
        """See `Service.offer_metrics`."""
        self._offers.append(collect)

    def exposition(self, accepted: str) -> tuple[str, bytes]:
        """All metrics as they are now: content type and body.

        Args:
            accepted: the request's header Accept.
        """
        # Imported when it is asked for: most servers of a developer never are.
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415
        from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415

        self._before()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self))
        encode, content_type = choose_encoder(accepted)
        return content_type, encode(registry)

    def collect(self) -> list[Any]:
        """The metrics; whoever raises is asked no more."""
        found: list[Any] = []
        for offer in tuple(self._offers):
            try:
                found += offer()
            except Exception:  # a third party's code may raise anything
                _log.exception("metrics could not be collected, and are left out from now on")
                self._offers.remove(offer)
        return found


class _Collector:
    """What prometheus_client asks, without being asked what it has when it is registered."""

    def __init__(self, metrics: Metrics) -> None:
        self.collect = metrics.collect
