"""What an observer promises."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from attrs import define, field

from abeja.runtime.events import RequestRecord, Service, State, WorkerEnd
from abeja.runtime.observer import Observer
from abeja.runtime.plugin_source import Source
from abeja.runtime.plugins import Plugins
from abeja.runtime.testing.plugin_contract import Parameters, PluginContract, entry_points_of

_WHOLE = RequestRecord(
    request_id="0123456789abcdef0123456789abcdef",
    method="POST",
    path="/classify",
    client_ip="127.0.0.1",
    requester_id="user-1",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    time_s=1_700_000_000.25,
    received_s=10.0,
    queued_s=10.001,
    leased_s=10.002,
    answered_s=10.01,
    sent_s=10.011,
    worker=1,
    status=200,
    content_type="application/json",
    request_bytes=17,
    response_bytes=16,
    error="",
    outcome="complete",
)
_BARE = _WHOLE._replace(
    requester_id="",
    traceparent="",
    queued_s=None,
    leased_s=None,
    answered_s=None,
    sent_s=10.0,
    worker=0,
    status=0,
    content_type="",
    request_bytes=0,
    response_bytes=0,
    outcome="left",
)
# What a service is told of, by what is odd about it.
RECORDS: Mapping[str, RequestRecord] = {
    "whole": _WHOLE,
    "left early": _BARE,
    "refused": _BARE._replace(status=429, error="queue-full", outcome="complete"),
    "cut": _WHOLE._replace(error="worker-died", outcome="cut"),
    "streams on": _WHOLE._replace(answered_s=None),
    "clock stands still": _WHOLE._replace(queued_s=10.0, leased_s=10.0, answered_s=10.0, sent_s=10.0),
    # What a head may have: visible ASCII in the path, any text but control characters in a header's value.
    "odd text": _BARE._replace(method="!#$%&'*+-.^_`|~", path="/<\"'\\>%0d%0a", client_ip="::1", requester_id='é\t"'),
    "long path": _WHOLE._replace(path="/" + "a" * 8000),
    "unknown error": _WHOLE._replace(status=599, error="not-known-yet", worker=10**6),
}
_ENDS = (
    WorkerEnd(worker=1, cause="renewed", reason="ended with code 0", is_expected=True, time_s=1_700_000_000.0),
    WorkerEnd(worker=2, cause="SIGSEGV", reason='was killed by "SIGSEGV"\n', is_expected=False, time_s=0.0),
)


@define
class KeptLog:
    """A `Log` that keeps what is written to it."""

    is_json: bool
    fields: Mapping[str, str] = field(factory=lambda: {"model": "a model"})
    written: list[str] = field(factory=list)

    def takes(self, level: str) -> bool:
        """See `Log`."""
        return level != "debug"

    def hide(self, text: str) -> str:
        """See `Log`."""
        return text

    def write(self, lines: str) -> None:
        """See `Log`."""
        self.written.append(lines)


class ObserverContract(PluginContract):
    """What an observer promises: it takes whatever happens, and two servers have observers of their own.

    Example::

        class TestSlowest(ObserverContract):
            plugin = slowest_plugin
    """

    kind = "observer"

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {"records": {**{name: (record,) for name, record in RECORDS.items()}, "all": tuple(RECORDS.values())}}

    def test_its_hooks_yield_one_such_value(self) -> None:
        """Hooks are spelt right and marked, and what they yield has event hooks; it may be nothing for this service."""
        with _Server(self):
            pass

    def test_a_registered_entry_point_is_called_as_its_value(self) -> None:
        """By that kind it can be blocked."""
        names = entry_points_of(self.plugin)
        assert all(name.startswith("observer-") for name in names), f"the entry points {names} are not of observers"

    def test_asking_twice_yields_the_same(self) -> None:
        """Two servers of one process have observers of their own."""
        with _Server(self) as first, _Server(self) as second:
            ours, theirs = (
                {id(getattr(observer.function, "__self__", observer)) for observer in server.observers}
                for server in (first, second)
            )
            assert not ours & theirs, "an object was yielded for two servers"

    def test_it_takes_whatever_happens(self, records: Sequence[RequestRecord]) -> None:
        """A log that is read by people, and one of JSON lines, with workers that end in between."""
        for is_json in (False, True):
            with _Server(self, is_json=is_json) as server:
                server.tell("abeja_requests_answered", records=records)
                for end in _ENDS:
                    server.tell("abeja_worker_ended", worker=end)
                server.tell("abeja_requests_answered", records=records)
                for collect in server.offered:
                    assert list(collect()) is not None

    def test_lines_of_the_log_are_whole(self, records: Sequence[RequestRecord]) -> None:
        """Other lines follow, so each ends, and a client cannot begin one."""
        for is_json in (False, True):
            with _Server(self, is_json=is_json) as server:
                server.tell("abeja_requests_answered", records=records)
                for text in server.log.written:
                    assert text.endswith("\n"), f"a line without an end: {text!r}"
                    assert text.count("\n") <= len(records), f"more lines than requests: {text!r}"


class _Server:
    """The observers of one server that does not run, in an event loop of its own."""

    def __init__(self, contract: ObserverContract, *, is_json: bool = False) -> None:
        self._plugin = contract.plugin
        self._scratch = tempfile.TemporaryDirectory(prefix="observer-")
        self._runner = asyncio.Runner()
        self._closing: list[Callable[[], None]] = []
        self.log = KeptLog(is_json=is_json)
        self.offered: list[Callable[[], Iterable[Any]]] = []
        self.observers: list[Observer] = []

    def __enter__(self) -> Self:
        self._runner.run(self._ask())
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.run(self._close())
        self._runner.close()
        self._scratch.cleanup()

    def tell(self, hook: str, **event: Any) -> None:
        """Let the observers of a hook hear of an event."""
        for observer in self.observers:
            if observer.hook == hook:
                self._runner.run(_told(observer, event))

    async def _ask(self) -> None:
        plugins = Plugins([Source(self._plugin.__name__, "the plugin under test", "", lambda: self._plugin)])
        found, problems = plugins.observers(self._service())
        assert not problems, "\n".join(problem.report() for problem in problems)
        self.observers = list(found)

    async def _close(self) -> None:
        for close in self._closing:
            close()

    def _service(self) -> Service:
        return Service(
            version="1.0.0",
            handler="main:handler",
            folder="/model",
            image_version="19.04",
            abi="19.04",
            environment_s=0.5,
            log=self.log,
            scratch=self._scratch.name,
            state=lambda: State(is_ready=True, in_flight=1, waiting=0, workers=(), exits={}),
            variables={},
            offer_metrics=self.offered.append,
            closing=self._closing.append,
        )


async def _told(observer: Observer, event: Mapping[str, Any]) -> None:
    observer.tell(event)
