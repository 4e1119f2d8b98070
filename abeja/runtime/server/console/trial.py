"""A request that the page's form sends: forwarded to the service port, and its answer brought back in frames.

The page cannot ask the service port itself: that is another origin. The request's body, with its Content-Type, is that
of the request to the console; the rest is in the query and in a header. The answer is 200 with a body of frames, so
that whatever the service answers is data for the page and never a document of this origin::

    kind  1 byte: h, d or e
    size  4 bytes, big-endian
    data  h: JSON, the head; d: a piece of the body; e: JSON, how it ended
"""

import json
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from abeja.runtime import answers
from abeja.runtime.server.console.handler import ConsoleHandler
from abeja.runtime.server.console.service_client import ServiceClient, ServiceEnd, ServiceHead, request_head
from abeja.runtime.version import VERSION
from abeja.runtime.worker.sendable import TOKEN

HEADERS_HEADER = "X-Abeja-Console-Headers"
# A browser holds it in memory to show it.
_ANSWER_LIMIT_BYTES = 256 * 1024**2
# Nothing of a body is kept here, and the service port has limits of its own.
_BODY_LIMIT_BYTES = 10**15
_BODY_S = 3600.0
_METHOD = re.compile(r"[A-Z]{1,20}")
_TARGET = re.compile(r"/[\x21-\x7e]{0,16383}")
# About the connection, which is ours.
_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-type", "expect", "upgrade"))
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "TRACE")


@stream_request_body
class Trial(ConsoleHandler):
    """``POST /console/try?method=POST&target=/``."""

    SUPPORTED_METHODS = ("POST",)
    _client: ServiceClient | None = None
    _sends_body = False
    _started_s = 0.0

    async def prepare(self) -> None:
        """Check the request and begin to forward it."""
        await super().prepare()
        if self.is_answered:
            return
        connection: Any = self.request.connection
        connection.set_max_body_size(_BODY_LIMIT_BYTES)
        connection.set_body_timeout(_BODY_S)
        method, target = self.get_query_argument("method", "POST"), self.get_query_argument("target", "/")
        try:
            self._sends_body = method not in _WITHOUT_BODY
            head = request_head(*_checked(method, target), self._forwarded_headers())
        except ValueError as error:
            self.refuse(400, str(error))
            return
        self._started_s = time.monotonic()
        try:
            self._client = await ServiceClient.connected(self.console.service_address, has_body=method != "HEAD")
        except OSError as error:
            self.refuse(502, f"the service port does not answer: {error.strerror}")
            return
        await self._client.send(head)

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the body."""
        if self._client is not None and self._sends_body:
            await self._client.send(chunk)

    async def post(self) -> None:
        """Bring the answer back."""
        if self._client is None:
            return
        self.set_header("Content-Type", "application/octet-stream")
        try:
            await self._relay(self._client)
        except StreamClosedError:
            pass  # the browser has left
        finally:
            self._client.close()

    def on_connection_close(self) -> None:
        """The browser has left: the request is not waited for."""
        if self._client is not None:
            self._client.close()

    async def _relay(self, client: ServiceClient) -> None:
        size_bytes = 0
        while True:
            part = await client.receive()
            if isinstance(part, ServiceHead):
                self._frame(b"h", self._head_fields(part))
            elif isinstance(part, bytes):
                size_bytes += len(part)
                if size_bytes > _ANSWER_LIMIT_BYTES:
                    part = ServiceEnd(f"the answer is longer than {_ANSWER_LIMIT_BYTES} bytes; this is its beginning")
                else:
                    self.write(b"d%b%b" % (len(part).to_bytes(4), part))
            if isinstance(part, ServiceEnd):
                self._frame(b"e", {"trouble": part.trouble, "ms": self._elapsed_ms()})
                return
            await self.flush()

    def _frame(self, kind: bytes, fields: dict[str, Any]) -> None:
        data = answers.json_body(fields)
        self.write(b"%b%b%b" % (kind, len(data).to_bytes(4), data))

    def _head_fields(self, head: ServiceHead) -> dict[str, Any]:
        return {
            "status": head.status,
            "reason": head.reason,
            "headers": [list(pair) for pair in head.headers],
            "ms": self._elapsed_ms(),
        }

    def _elapsed_ms(self) -> float:
        return round((time.monotonic() - self._started_s) * 1000, 2)

    def _forwarded_headers(self) -> list[tuple[str, str]]:
        """Those of the forwarded request."""
        given = self.request.headers
        if "Transfer-Encoding" in given:
            raise ValueError("the body needs a Content-Length")
        host, port = self.console.service_address
        own = [("Host", f"[{host}]:{port}" if ":" in host else f"{host}:{port}")]
        if "Content-Type" in given and self._sends_body:
            own.append(("Content-Type", given["Content-Type"]))
        if self._sends_body:
            own.append(("Content-Length", given.get("Content-Length", "0")))
        asked = _pairs(unquote(given.get(HEADERS_HEADER, "[]")))
        names = {name.lower() for name, _ in asked}
        defaults = (("Accept", "*/*"), ("User-Agent", f"abeja-runtime-console/{VERSION}"))
        return [*own, *(pair for pair in defaults if pair[0].lower() not in names), *asked]


def _checked(method: str, target: str) -> tuple[str, str]:
    if not _METHOD.fullmatch(method):
        raise ValueError("the method is not a word of capital letters")
    if not _TARGET.fullmatch(target):
        raise ValueError("the path does not begin with a slash, or has characters that need to be percent-encoded")
    return method, target


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    """Header fields from JSON: a list of pairs of texts."""
    pairs = json.loads(text)
    is_list = isinstance(pairs, list)
    if not is_list or not all(isinstance(pair, list) and [*map(type, pair)] == [str, str] for pair in pairs):
        raise ValueError("the headers are not a list of pairs of texts")
    for pair in pairs:
        if not TOKEN.fullmatch(pair[0]):
            raise ValueError(f"{pair[0]!r} is not the name of a header")
        if pair[0].lower() in _OURS:
            raise ValueError(f"{pair[0]} is set by the form itself")
    return [(name, value.strip()) for name, value in pairs]
