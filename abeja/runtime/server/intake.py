"""Reads one HTTP request into a `Request`: decides at the head, then takes the body as it arrives."""

import asyncio
from typing import cast

import attrs
from attrs import frozen
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from abeja.runtime import answers
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.errors import BodyTooLargeError, MethodNotAllowedError, RequestError, RequestMalformedError
from abeja.runtime.exchange import Exchange
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.server.activity import Activity
from abeja.runtime.server.answer import Answer
from abeja.runtime.server.connection import Connection, ConnectionState
from abeja.runtime.server.head import HEALTH_PATH, Head, is_framed
from abeja.runtime.server.multipart import MultipartSink, boundary_of
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from abeja.runtime.types import Abi

# After an answer that came before the end of the body, the rest is read and dropped for so long: a
# client that still sends would otherwise see a reset connection instead of the answer.
_LINGER_S = 5.0


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


class Intake(HTTPMessageDelegate):
    """One request, driven by its connection.

    Args:
        connection: to answer on.
        state: of the connection.
        dispatcher: gets the request.
        spool: for large bodies.
        policy: see there.
        activity: knows it from its head to the last byte of its answer.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        state: ConnectionState,
        dispatcher: Dispatcher,
        spool: Spool,
        policy: Policy,
        activity: Activity,
    ) -> None:
        self._connection = connection
        self._state = state
        self._dispatcher = dispatcher
        self._spool = spool
        self._policy = policy
        self._activity = activity
        self._budget = MemoryBudget()
        self._head: Head | None = None
        self._answer: Answer | None = None
        self._sink: BodySink | MultipartSink | None = None
        self._exchange: Exchange | None = None
        self._received_bytes = 0
        self._linger: asyncio.TimerHandle | None = None
        self._has_read_all = False
        self._is_answered = False
        self._closes = False

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Called by the connection."""
        if self._state.has_ended or self._connection.stream.closed():
            self._connection.close()
            return
        if not is_framed(headers):
            return  # the connection answers 400 as soon as it looks for the body
        self._activity.begin(self)
        head = self._head = Head.parse(cast("RequestStartLine", start_line), headers)
        self._answer = Answer(self._connection, head=head, on_done=self._answered)
        if head.path == HEALTH_PATH:
            status, fields = answers.health(is_serving=not self._dispatcher.trouble)
            self._respond_early(answers.json_response(status, fields), self._answer)
            return
        try:
            self._sink = self._admit(head)
        except RequestError as error:
            self._refuse(error, head, self._answer)

    def data_received(self, chunk: bytes) -> None:
        """Called by the connection for each piece of the body."""
        if self._head is None or self._answer is None:
            return
        if self._sink is None:
            return  # it has been answered already
        self._received_bytes += len(chunk)
        try:
            if self._received_bytes > self._policy.max_body_bytes:
                raise self._too_large()
            self._sink.write(chunk)
        except RequestError as error:
            self._refuse(error, self._head, self._answer)

    def finish(self) -> None:
        """Called by the connection at the end of the body."""
        self._has_read_all = True
        if self._is_answered:
            self._end()
        elif self._head is not None and self._answer is not None and self._sink is not None:
            try:
                request = self._request(self._head, self._sink)
            except RequestError as error:
                self._refuse(error, self._head, self._answer)
                return
            self._sink = None
            # A client that left right behind its request is not reported through the callback.
            if self._connection.stream.closed():
                request.remove_files()
                self._client_left()
                return
            self._connection.set_close_callback(self._client_left)
            self._exchange = self._dispatcher.submit(request, self._answer, may_stream=self._head.may_stream)

    def on_connection_close(self) -> None:
        """Called by the connection when the client leaves while it sends."""
        self._over()
        if self._sink is not None:
            self._sink.discard()
            self._sink = None

    def _admit(self, head: Head) -> BodySink | MultipartSink:
        abi = self._policy.abi
        if not head.has_host:
            raise RequestMalformedError("the request does not name one host")
        if head.method not in abi.methods:
            allowed = ", ".join(sorted(abi.methods))
            raise MethodNotAllowedError("the method is not allowed", headers=[("Allow", allowed)])
        if head.content_length is not None and head.content_length > self._policy.max_body_bytes:
            raise self._too_large()
        refusal = self._dispatcher.refusal()
        if refusal is not None:
            raise refusal
        # A GET has no content: what it may announce is not looked at.
        if abi.parses_multipart and head.content_type and head.method not in ("GET", "HEAD"):
            boundary = boundary_of(head.content_type)
            if boundary is not None:
                return MultipartSink(boundary, self._new_sink)
        return self._new_sink()

    def _new_sink(self) -> BodySink:
        return BodySink(self._spool, self._budget)

    def _request(self, head: Head, sink: BodySink | MultipartSink) -> Request:
        contents = sink.close() if isinstance(sink, MultipartSink) else (Content(body=sink.close()),)
        return Request(
            request_id=head.request_id,
            method="GET" if head.method == "HEAD" else head.method,
            path=head.path,
            query=head.query,
            content_type=head.content_type,
            headers=head.visible_headers(self._policy.hidden),
            contents=contents,
            client_ip=self._connection.context.remote_ip,
        )

    def _too_large(self) -> BodyTooLargeError:
        limit = self._policy.max_body_bytes
        return BodyTooLargeError(f"the body is larger than {limit} bytes", fields={"limit_bytes": limit})

    def _refuse(self, error: RequestError, head: Head, answer: Answer) -> None:
        if self._sink is not None:
            self._sink.discard()
            self._sink = None
        self._respond_early(answers.error_response(error, request_id=head.request_id), answer)

    def _respond_early(self, response: Response, answer: Answer) -> None:
        if not self._has_read_all and self._head is not None and self._head.has_body:
            # What follows on this connection is a body that nobody wants, well-formed or not.
            self._closes = True
            response = attrs.evolve(response, headers=(*response.headers, ("Connection", "close")))
        answer.respond(response)

    def _answered(self, is_complete: bool) -> None:  # noqa: FBT001 (a callback with one argument)
        self._is_answered = True
        if not is_complete:
            self._state.has_ended = True
            self._connection.close()
            self._over()
        elif self._has_read_all or self._is_client_waiting():
            self._end()
        else:
            self._linger = asyncio.get_running_loop().call_later(_LINGER_S, self._end)
            if self._answer is not None:
                self._answer.when_flushed(self._over)

    def _is_client_waiting(self) -> bool:
        """Whether the client waits for a word before it sends the body: the answer is that word."""
        return self._head is not None and self._head.expects_continue and self._received_bytes == 0

    def _end(self) -> None:
        """Tell the connection that the answer is complete, once."""
        if self._head is None or self._answer is None:
            return
        if self._linger is not None:
            self._linger.cancel()
        closes = self._closes or not self._head.is_persistent
        self._state.has_ended = self._state.has_ended or closes
        self._head = None
        self._connection.finish()
        if closes:
            self._answer.when_flushed(self._connection.close)
        self._answer.when_flushed(self._over)

    def _over(self) -> None:
        self._activity.end(self)

    def _client_left(self) -> None:
        self._over()
        if self._exchange is not None:
            self._exchange.cancel()
        if self._answer is not None and not self._is_answered:
            self._answer.abandon()
