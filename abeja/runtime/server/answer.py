"""Writes one answer to one HTTP connection."""

import asyncio
import http
import logging
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache

from abeja.runtime import answers, traceparent
from abeja.runtime.admission import Submission
from abeja.runtime.errors import AnswerInvalidError
from abeja.runtime.events import RequestRecord
from abeja.runtime.journal import Journal
from abeja.runtime.messages import REQUESTER_HEADER, LargeBody, Response, SharedBody
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.body_sender import BodySender
from abeja.runtime.server.body_source import BodySource, FileSource, MemorySource
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.head import HEALTH_PATH, Head

_log = logging.getLogger("abeja.runtime")

# RFC 9110, 15.3.6: it has no body, but says so.
_RESET = 205
# RFC 9110, 15.3.5 and 15.4.5: nor have these, and 204 not even a length.
_BODILESS = (204, _RESET, 304)
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in http.HTTPStatus}


class Clock:
    """The time for the field Date, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._field = ""

    def date_field(self) -> str:
        """RFC 9110, 6.6.1: an origin server with a clock says when it answered."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._field = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._field


class Answer:
    """The answer to one request: a `Receiver` that writes HTTP.

    Args:
        connection: to write to.
        head: of the request.
        request_id: for the log.
        clock: says when.
        activity: says whether it has to be the last one on its connection.
        on_done: called once when everything has been written; whether the answer is complete.
        journal: gets a record when it has come to its end.

    Attributes:
        submission: what the answer comes from; None if it is not the handler's, or comes at once.
        request_bytes: how much of the request's body was read.
        closes: whether it is the last one on its connection; may be set until it begins.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        head: Head,
        request_id: str,
        clock: Clock,
        activity: Activity,
        on_done: Callable[[bool], None],
        journal: Journal,
    ) -> None:
        self._connection = connection
        self._head = head
        self._request_id = request_id
        self._clock = clock
        self._activity = activity
        self._on_done = on_done
        self._has_body = head.method != "HEAD"
        self._is_chunked = False
        self._journal = journal
        self._started_s = time.monotonic()
        self._status = 0
        self._content_type = ""
        self._error = ""
        self._sent_bytes = 0
        self._sender: BodySender | None = None
        self.closes = not head.is_persistent
        self.submission: Submission | None = None
        self.request_bytes = 0

    @property
    def takes_body(self) -> bool:
        """See `Receiver`."""
        return self._has_body

    @property
    def has_begun(self) -> bool:
        """Whether its head has been written."""
        return self._status != 0

    def respond(self, response: Response) -> None:
        """See `Receiver`."""
        try:
            self._begin(response)
        except Exception:  # a bug of ours, but it must not leave the client waiting nor the worker taken
            _log.exception("the answer could not be written", extra={"request_id": self._request_id})
            response.remove_files()
            self.finish(is_complete=False)

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Receiver`."""
        if not self._has_body or not data:
            return None
        self._sent_bytes += len(data)
        return self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def finish(self, *, is_complete: bool) -> None:
        """See `Receiver`."""
        if is_complete and self._is_chunked and self._has_body:
            self._connection.write(b"0\r\n\r\n")
        # One that had not begun is cut when its client has left.
        self._record("complete" if is_complete else "cut" if self.has_begun else "left")
        # Each holds the other: without this, the memory of a request would come back only with the next collection.
        self.submission = None
        self._on_done(is_complete)

    def cut(self) -> None:
        """The client is given up in the middle of the answer."""
        if self._sender is None:  # which sees that the connection has closed
            self.finish(is_complete=False)

    def abandon(self) -> None:
        """The client has left before the end of the answer."""
        if self._sender is None:  # which says so itself
            self._record("left")

    def _begin(self, response: Response) -> None:
        body = response.body
        if body is None:
            self._connection.write(self._head_of(response, None))
        elif isinstance(body, bytes):
            head = self._head_of(response, len(body))
            if self._has_body:
                self._sent_bytes = len(body)
                head += body
            self._connection.write(head)
            self.finish(is_complete=True)
        else:
            self._begin_large(response, body)

    def _begin_large(self, response: Response, body: LargeBody) -> None:
        try:
            # Before the head, which promises it.
            source = _source_of(body)
        except OSError as error:
            failure = AnswerInvalidError("unexpected error occurred", detail=f"the answer cannot be read: {error}")
            _log.error("%s: %s", failure.slug, failure.detail, extra={"request_id": self._request_id})
            self._begin(answers.error_response(failure, request_id=self._request_id))
            return
        try:
            self._connection.write(self._head_of(response, body.size_bytes))
        except BaseException:
            source.close()
            raise
        size_bytes = body.size_bytes if self._has_body else 0
        self._sender = BodySender(self._connection, source, size_bytes=size_bytes, on_done=self._finish_large)
        # First the worker gets its next request: sending a large body takes a while.
        asyncio.get_running_loop().call_soon(self._sender.send)

    def _finish_large(self, is_complete: bool) -> None:  # noqa: FBT001 (a callback with one argument)
        self.finish(is_complete=is_complete)

    def _head_of(self, response: Response, length: int | None) -> bytes:
        """The head of the answer, with the empty line behind it."""
        status = self._status = response.status
        self._content_type, self._error = response.headers[0][1], response.error
        # Of most answers only the last header differs, which is the request's id.
        start, has_date = _start(status, response.headers[:-1])
        name, value = response.headers[-1]
        framing = ""
        if status in _BODILESS:
            self._has_body = False
            length = 0 if status == _RESET else None
        elif length is None and not self._head.is_http_10:
            self._is_chunked = True
            framing = "Transfer-Encoding: chunked\r\n"
        if length is not None:
            framing = f"Content-Length: {length}\r\n"
        if self._activity.is_ending:
            self.closes = True
        date = "" if has_date or name.lower() == "date" else self._clock.date_field()
        connection = ""
        if self.closes:
            connection = "Connection: close\r\n"
        elif self._head.is_http_10:
            connection = "Connection: keep-alive\r\n"
        last = f"{name}: {value}\r\n"
        if name is not answers.REQUEST_ID_HEADER or value is not self._request_id:  # those two are known to be good
            _require_lines(last, 1)
        # HTTP fields are octets: text beyond ASCII goes out as UTF-8, as in the original.
        return f"{start}{last}{framing}{date}{connection}\r\n".encode()

    def _record(self, outcome: str) -> None:
        head, submission, journal = self._head, self.submission, self._journal
        # Health checks come every few seconds and would drown the rest.
        if not journal.is_watched or head.path == HEALTH_PATH:
            return
        fields = head.fields
        parents, requesters = fields.get(traceparent.HEADER), fields.get(REQUESTER_HEADER)
        # A tuple by its order: as a call, with the names, it would take three times as long.
        journal.add(
            tuple.__new__(
                RequestRecord,
                (
                    self._request_id,
                    head.method,
                    head.path,
                    self._connection.remote_ip,
                    requesters[0] if requesters else "",
                    traceparent.valid(parents[0]) if parents and len(parents) == 1 else "",
                    self._started_s + journal.epoch_s,
                    self._started_s,
                    submission.queued_s if submission else None,
                    submission.leased_s if submission else None,
                    submission.answered_s if submission else None,
                    time.monotonic(),
                    submission.worker_number if submission else 0,
                    self._status,
                    self._content_type,
                    self.request_bytes,
                    self._sender.sent_bytes if self._sender is not None else self._sent_bytes,
                    self._error or (submission.error if submission else ""),
                    outcome,
                ),
            )
        )


def _source_of(body: LargeBody) -> BodySource:
    """What is sent of it; nobody needs the body itself any more.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(body, SharedBody):
        return MemorySource(body)
    try:
        return FileSource(body.open())
    finally:
        # It needs no name any more: so nothing is left of it, and nobody who has the answer finds it.
        body.remove()


@lru_cache(maxsize=256)
def _start(status: int, headers: tuple[tuple[str, str], ...]) -> tuple[str, bool]:
    """The status line and the fields behind it, and whether the field Date is one of them.

    Raises:
        ValueError: a line break in a field.
    """
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    _require_lines(text, len(headers))
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
    return line + text, "date" in [name.lower() for name, _ in headers]


def _require_lines(text: str, count: int) -> None:
    if not text.count("\r") == text.count("\n") == count:
        raise ValueError("a header with a line break in it")
