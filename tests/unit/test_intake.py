"""A request that comes all at once is answered like one that comes in pieces."""

import asyncio
import math
import re
from collections.abc import Callable
from typing import cast

import pytest

from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.engine import Engine
from abeja.runtime.events import RequestRecord
from abeja.runtime.journal import Journal
from abeja.runtime.plugins import Plugins
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.head import Head
from abeja.runtime.server.intake import Policy
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.spool import Spool

_NOT_THE_SAME = re.compile(rb"Date: [^\r]*\r\n")


class BusyEngine:
    """Its only worker has no room."""

    has_been_ready = has_ready_worker = is_recovering = True
    ahead = 0
    trouble = ""

    def __init__(self) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self.on_hopeless: Callable[[], None] = lambda: None

    def free_worker(self) -> None:
        """None has room."""


class Client:
    """A `Connection` that takes everything.

    Attributes:
        written: what it has got, without the time.
        closes: whether it was closed at the end of the answer; None before that.
    """

    remote_ip = "127.0.0.1"
    is_closed = False

    def __init__(self) -> None:
        self.written = b""
        self.closes: bool | None = None

    def write(self, data: bytes) -> None:
        """See `Connection`."""
        self.written += _NOT_THE_SAME.sub(b"", data)

    def finish(self, *, closes: bool) -> None:
        """See `Connection`."""
        assert self.closes is None
        self.closes = closes

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """See `Connection`."""
        callback()


class Records(Journal):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[RequestRecord] = []
        self.is_watched = True

    def add(self, record: RequestRecord) -> None:
        """See `Journal`."""
        self.records.append(record)


def _exchanged(target: str, fields: dict[str, list[str]], body: bytes, *, drains: bool, is_whole: bool) -> object:
    """The answer to a request, and what is noted of it."""
    head = Head.parse(
        method="PATCH" if target == "/method" else "POST",
        target=target,
        version="HTTP/1.1",
        fields={"host": ["a"], "x-request-id": ["1"], "content-length": [str(len(body))], **fields},
        size_bytes=100,
    )

    async def scene() -> object:
        client, journal = Client(), Records()
        with Spool() as spool:
            engine = cast("Engine", BusyEngine())
            dispatcher = Dispatcher(engine, spool=spool, queue_limit=0, timeout_s=None)
            abi = Plugins.installed().abi("18.10", asked_by="a test")
            policy = Policy(abi=abi, max_body_bytes=1000, hidden=frozenset())
            port = ModelPort(dispatcher=dispatcher, spool=spool, policy=policy, journal=journal)
            if drains:
                dispatcher.begin_drain()
            intake = port.new_intake(cast("Connection", client))
            if is_whole:
                intake.take_whole(head, body)
            else:
                intake.headers_received(head)
                if body and client.closes is None:
                    intake.data_received(body)
                if client.closes is None:
                    intake.finish()
            assert port.activity.count == 0
        untimed = [record._replace(time_s=math.nan, received_s=math.nan, sent_s=math.nan) for record in journal.records]
        return client.written, client.closes, [str(record) for record in untimed]

    return asyncio.run(scene())


@pytest.mark.parametrize("drains", [False, True])
@pytest.mark.parametrize("body", [b"", b"body", b"x" * 1001])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"host": []},
        {"content-type": ["multipart/form-data"]},
        {"content-type": ["multipart/form-data; boundary=a"]},
        {"expect": ["100-continue"]},
    ],
)
@pytest.mark.parametrize("target", ["/", "/method", "/health_check"])
def test_whether_it_comes_at_once_makes_no_difference_to_a_request_that_is_not_admitted(
    target: str, fields: dict[str, list[str]], body: bytes, *, drains: bool
) -> None:
    whole = _exchanged(target, fields, body, drains=drains, is_whole=True)

    assert whole == _exchanged(target, fields, body, drains=drains, is_whole=False)
