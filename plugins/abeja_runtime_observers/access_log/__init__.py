"""The access log: a line for each request, written a batch at a time."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from abeja.runtime import RequestRecord, Service, hookimpl
from abeja_runtime_observers.access_log.lines import JsonLines, TextLines


@hookimpl
def abeja_observers(service: Service) -> Iterator[object]:
    """The access log, if its lines are wanted."""
    if service.log.takes("info"):
        yield AccessLog(service)


class AccessLog:
    """Writes the lines of one server.

    Args:
        service: whose requests are logged.
    """

    def __init__(self, service: Service) -> None:
        self._log = service.log
        # Clients send the same paths again and again.
        hide = lru_cache(maxsize=256)(service.log.hide)
        self._lines = (JsonLines(service.log.fields, hide) if service.log.is_json else TextLines(hide)).lines

    @hookimpl
    def abeja_requests_answered(self, records: Sequence[RequestRecord]) -> None:
        """Write their lines with one write."""
        self._log.write(self._lines(records))
