"""Reads one HTTP request into a `Request`: decides at the head, then takes the body as it arrives."""

import logging
from collections.abc import Callable

from attrs import frozen

from abeja.runtime import answers
from abeja.runtime.admission import Admission, Submission
from abeja.runtime.errors import BodyTooLargeError, MethodNotAllowedError, RequestError
from abeja.runtime.journal import Journal
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.answer import Answer, Clock
from abeja.runtime.server.connection import Connection
from abeja.runtime.server.head import HEALTH_PATH, Head
from abeja.runtime.server.multipart import MultipartSink, boundary_of
from abeja.runtime.server.patience import STALL_S
from abeja.runtime.spool import BodyFolder, BodySink, MemoryBudget
from abeja.runtime.types import Abi
from abeja.runtime.worker.frames import INLINE_LIMIT_BYTES

_log = logging.getLogger("abeja.runtime")

# RFC 9110, 15.2.1.
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@frozen(kw_only=True)
class Policy:
    """What is the same for every request.

    Attributes:
        abi: which methods reach the handler, and whether multipart bodies are parsed.
        max_body_bytes: larger bodies are answered 413.
        hidden: lower-case names of headers that the handler does not see.
    """

    abi: Abi
    max_body_bytes: int
    hidden: frozenset[str]


@frozen(kw_only=True)
class Means:
    """What all intakes of a port share.

    Attributes:
        dispatcher: gets the requests.
        spool: for large bodies.
        policy: see there.
        activity: knows each request from its head to the last byte of its answer.
        clock: for the answers.
        new_id: makes one for a request that has none.
        journal: gets a record at the end.
    """

    dispatcher: Admission
    spool: BodyFolder
    policy: Policy
    activity: Activity
    clock: Clock
    new_id: Callable[[], str]
    journal: Journal


class Intake:
    """One request, driven by its connection.

    The connection calls `take_whole`, or `headers_received`, then `data_received` for each piece of the body, then
    `finish`; `refuse` instead of any of them if it cannot go on, and `on_connection_close` if the client
    leaves before `Connection.finish` was called. After `Connection.finish` it calls nothing any more.

    Args:
        connection: to answer on.
        means: see there.
    """

    def __init__(self, connection: Connection, means: Means) -> None:
        self._connection = connection
        self._means = means
        self._budget: MemoryBudget | None = None
        self._head: Head | None = None
        self._request_id = ""
        self._answer: Answer | None = None
        self._sink: BodySink | MultipartSink | None = None
        self._submission: Submission | None = None
        self._received_bytes = 0
        self._has_read_all = False
        self._is_answered = False
        self._is_over = False

    @property
    def is_with_worker(self) -> bool:
        """Whether a worker has the request, or had it: it costs nothing more to send the answer."""
        return self._submission is not None and not self._submission.is_waiting

    def take_whole(self, head: Head, body: bytes) -> None:
        """All of a request: what the three below do, without a sink if the body needs none."""
        if head.may_be_form or head.expects_continue or len(body) > INLINE_LIMIT_BYTES:
            self.headers_received(head)
            if body:
                self.data_received(body)
            self.finish()
            return
        answer = self._begin(head)
        try:
            if self._is_for_handler(head, answer):
                self._has_read_all = True
                self._received_bytes = len(body)
                self._submit(head, answer, (Content(body=body),), is_admitted=False)
                return
        except RequestError as error:
            # At its head, as ever: whether the body has come with it is chance.
            self._has_read_all = False
            self._received_bytes = 0
            self._refuse(error, head, answer)
        self.finish()

    def headers_received(self, head: Head) -> None:
        """The head of the request; a body follows if it says so."""
        answer = self._begin(head)
        try:
            if not self._is_for_handler(head, answer):
                return
            refusal = self._means.dispatcher.refusal()
            if refusal is not None:
                raise refusal
            self._sink = self._sink_for(head)
        except RequestError as error:
            self._refuse(error, head, answer)
        else:
            if head.expects_continue and head.has_body:
                self._connection.write(_CONTINUE)

    def data_received(self, chunk: bytes | memoryview) -> None:
        """The next piece of the body; it may change after the call."""
        if self._sink is None or self._head is None or self._answer is None:
            return  # it has been answered already
        self._received_bytes += len(chunk)
        try:
            if self._received_bytes > self._means.policy.max_body_bytes:
                raise self._too_large()
            self._sink.write(chunk)
        except RequestError as error:
            self._refuse(error, self._head, self._answer)

    def finish(self) -> None:
        """The end of the body."""
        self._has_read_all = True
        if self._is_answered:
            self._end()
        elif self._head is not None and self._answer is not None and self._sink is not None:
            try:
                whole = self._sink.close()
            except RequestError as error:
                self._refuse(error, self._head, self._answer)
                return
            self._sink = None
            contents = whole if isinstance(whole, tuple) else (Content(body=whole),)
            self._submit(self._head, self._answer, contents, is_admitted=True)

    def refuse(self, error: RequestError) -> None:
        """What arrives is not HTTP, or does not arrive: answer so, unless there was an answer, and close."""
        head = self._head or Head.unread()
        answer = self._answer or self._begin(head)
        if self._is_answered:
            self._end()
            return
        answer.closes = True
        self._refuse(self._method_not_allowed() if isinstance(error, MethodNotAllowedError) else error, head, answer)

    def give_up(self) -> None:
        """The client takes nothing of its answer, or of the one before. The connection closes afterwards."""
        if self._answer is None or not self._answer.has_begun:
            return
        message = f"the client has taken nothing for {STALL_S:g} s; its answer is cut short"
        _log.warning("%s", message, extra={"request_id": self._request_id})
        if self._submission is not None:
            self._submission.cancel()
        self._answer.cut()

    def on_connection_close(self) -> None:
        """The client has left."""
        if self._is_over:
            return
        self._over()
        if self._sink is not None:
            self._sink.discard()
            self._sink = None
        if self._submission is not None:
            self._submission.cancel()
        if self._answer is not None and not self._is_answered:
            self._answer.request_bytes = self._received_bytes
            self._answer.abandon()

    def _begin(self, head: Head) -> Answer:
        means = self._means
        means.activity.begin(self)
        self._head = head
        self._request_id = head.client_id or means.new_id()
        self._answer = Answer(
            self._connection,
            head=head,
            request_id=self._request_id,
            clock=means.clock,
            activity=means.activity,
            on_done=self._answered,
            journal=means.journal,
        )
        return self._answer

    def _is_for_handler(self, head: Head, answer: Answer) -> bool:
        """Whether it may be admitted; False if it has been answered."""
        if head.problem is not None:
            answer.closes = True
            raise head.problem
        if head.path == HEALTH_PATH:
            status, fields = answers.health(is_serving=not self._means.dispatcher.trouble)
            self._respond_early(answers.json_response(status, fields), head, answer)
            return False
        policy = self._means.policy
        if head.method not in policy.abi.methods:
            raise self._method_not_allowed()
        if head.content_length is not None and head.content_length > policy.max_body_bytes:
            raise self._too_large()
        return True

    def _sink_for(self, head: Head) -> BodySink | MultipartSink:
        # A GET has no content: what it may announce is not looked at.
        is_form = head.may_be_form and head.method not in ("GET", "HEAD")
        if is_form and head.content_type and self._means.policy.abi.parses_multipart:
            boundary = boundary_of(head.content_type)
            if boundary is not None:
                return MultipartSink(boundary, self._new_sink)
        return self._new_sink()

    def _method_not_allowed(self) -> MethodNotAllowedError:
        allowed = ", ".join(sorted(self._means.policy.abi.methods))
        return MethodNotAllowedError("the method is not allowed", headers=[("Allow", allowed)])

    def _new_sink(self) -> BodySink:
        # The parts of a form share one.
        self._budget = self._budget or MemoryBudget()
        length = None if self._head is None else self._head.content_length
        return BodySink(self._means.spool, self._budget, most_bytes=length)

    def _submit(self, head: Head, answer: Answer, contents: tuple[Content, ...], *, is_admitted: bool) -> None:
        answer.request_bytes = self._received_bytes
        request = Request(
            request_id=self._request_id,
            method="GET" if head.method == "HEAD" else head.method,
            path=head.path,
            query=head.query,
            content_type=head.content_type,
            headers=head.visible_headers(self._means.policy.hidden),
            contents=contents,
            client_ip=self._connection.remote_ip,
        )
        submission = self._means.dispatcher.submit(
            request, answer, may_stream=not head.is_http_10, is_admitted=is_admitted
        )
        # If it has been answered already, they have let go of each other.
        if self._answer is not None:
            self._submission = answer.submission = submission

    def _too_large(self) -> BodyTooLargeError:
        limit = self._means.policy.max_body_bytes
        return BodyTooLargeError(f"the body is larger than {limit} bytes", fields={"limit_bytes": limit})

    def _refuse(self, error: RequestError, head: Head, answer: Answer) -> None:
        if self._sink is not None:
            self._sink.discard()
            self._sink = None
        answer.request_bytes = self._received_bytes
        if error.detail:
            _log.error("%s: %s", error.slug, error.detail, extra={"request_id": self._request_id})
        self._respond_early(answers.error_response(error, request_id=self._request_id), head, answer)

    def _respond_early(self, response: Response, head: Head, answer: Answer) -> None:
        if not self._has_read_all and head.has_body:
            # What follows on this connection is a body that nobody wants, well-formed or not.
            answer.closes = True
        answer.respond(response)

    def _answered(self, is_complete: bool) -> None:  # noqa: FBT001 (a callback with one argument)
        self._is_answered = True
        if not is_complete:
            self._over()
            self._connection.close()
        elif self._has_read_all or (self._answer is not None and self._answer.closes):
            self._end()

    def _end(self) -> None:
        """Tell the connection that the answer is complete, once."""
        if self._is_over or self._answer is None:
            return
        self._is_over = True
        self._connection.finish(closes=self._answer.closes)
        self._connection.when_flushed(self._over)
        # As in `Answer.finish`.
        self._answer = self._submission = None

    def _over(self) -> None:
        self._is_over = True
        self._means.activity.end(self)
