"""Writes one answer to one HTTP connection."""

import asyncio
import http
import logging
import time
from collections.abc import Callable

from tornado.httputil import HTTPHeaders, ResponseStartLine, format_timestamp
from tornado.iostream import StreamClosedError

from abeja.runtime.messages import Response, SpoolFile
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.head import HEALTH_PATH, Head

_log = logging.getLogger("abeja.runtime.access")

# RFC 9110, 15.3.5 and 15.4.5: these have no body, and 204 not even a length.
_BODILESS = (204, 304)
# RFC 9110, 15.3.6: nor has this one, but it says so.
_RESET = 205
_READ_BYTES = 64 * 1024


class Answer:
    """The answer to one request: a `Receiver` that writes HTTP.

    Args:
        connection: to write to.
        head: of the request.
        on_done: called once when everything has been written; whether the answer is complete.
    """

    def __init__(self, connection: Connection, *, head: Head, on_done: Callable[[bool], None]) -> None:
        self._connection = connection
        self._head = head
        self._on_done = on_done
        self._has_body = head.method != "HEAD"
        self._started_s = time.monotonic()
        self._status = 0
        self._sent_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._last_write: asyncio.Future[None] | None = None

    @property
    def takes_body(self) -> bool:
        """See `Receiver`."""
        return self._has_body

    def respond(self, response: Response) -> None:
        """See `Receiver`."""
        try:
            self._begin(response)
        except Exception:  # a bug of ours, but it must not leave the client waiting nor the worker taken
            _log.exception("the answer could not be written", extra={"request_id": self._head.request_id})
            response.remove_files()
            self.finish(is_complete=False)

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Receiver`."""
        if not self._has_body:
            return None
        self._sent_bytes += len(data)
        self._last_write = self._connection.write(data)
        return self._last_write

    def finish(self, *, is_complete: bool) -> None:
        """See `Receiver`."""
        self._log_access("" if is_complete else " (cut short)")
        self._on_done(is_complete)

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """Call `callback` when what was written has left the process, or cannot any more."""
        if self._last_write is None or self._last_write.done():
            callback()
        else:
            self._last_write.add_done_callback(lambda _: callback())

    def abandon(self) -> None:
        """The client has left before the answer."""
        self._log_access(" (the client has left)")

    def _begin(self, response: Response) -> None:
        if response.body is None:
            self._write_head(response, None, b"")
        elif isinstance(response.body, bytes):
            self._write_head(response, len(response.body), response.body)
            self.finish(is_complete=True)
        else:
            self._task = asyncio.get_running_loop().create_task(self._send_file(response, response.body))

    def _write_head(self, response: Response, length: int | None, body: bytes) -> None:
        headers = HTTPHeaders()
        for name, value in response.headers:
            # HTTP fields are octets: text beyond ASCII goes out as UTF-8, as in the original.
            headers.add(name, value if value.isascii() else value.encode("utf-8").decode("latin-1"))
        if response.status in (*_BODILESS, _RESET):
            self._has_body = False
            length = 0 if response.status == _RESET else None
        if length is not None:
            headers["Content-Length"] = str(length)
        # RFC 9110, 6.6.1: an origin server with a clock says when it answered.
        headers.setdefault("Date", format_timestamp(time.time()))
        self._status = response.status
        self._sent_bytes = len(body) if self._has_body else 0
        start_line = ResponseStartLine("HTTP/1.1", response.status, _phrase(response.status))
        piece = body if self._has_body and body else None
        self._last_write = self._connection.write_headers(start_line, headers, piece)

    async def _send_file(self, response: Response, file: SpoolFile) -> None:
        is_complete = False
        try:
            self._write_head(response, file.size_bytes, b"")
            await self._copy(file)
            is_complete = True
        except StreamClosedError:
            pass  # the client has left; what remains is to clean up
        finally:
            file.remove()
            self.finish(is_complete=is_complete)

    async def _copy(self, file: SpoolFile) -> None:
        with file.path.open("rb") as source:
            while self._has_body and (data := source.read(_READ_BYTES)):
                self._sent_bytes += len(data)
                await self._connection.write(data)

    def _log_access(self, remark: str) -> None:
        # Health checks come every few seconds and would drown the rest.
        _log.log(
            logging.DEBUG if self._head.path == HEALTH_PATH else logging.INFO,
            "%s %s %d %.1f ms %d B%s",
            self._head.method,
            self._head.path,
            self._status,
            (time.monotonic() - self._started_s) * 1000,
            self._sent_bytes,
            remark,
            extra={"request_id": self._head.request_id},
        )


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
