"""The front's side of the way to the main process: where a dispatcher would be, if the workers were here."""

import logging
from collections.abc import Callable
from typing import Any

from abeja.runtime import answers
from abeja.runtime.errors import AnswerInvalidError, NotReadyError, RequestError, RequestMalformedError
from abeja.runtime.exchange import Receiver
from abeja.runtime.fronts import codec
from abeja.runtime.fronts.flow import Flow
from abeja.runtime.fronts.standing import Standing
from abeja.runtime.fronts.wire import Wire
from abeja.runtime.messages import Request
from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")


class Relay:
    """Hands requests to the main process: an `Admission`.

    Args:
        wire: to the main process.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._standing: Standing | None = None
        self._requests: dict[int, RelayedRequest] = {}
        self._count = 0

    @property
    def trouble(self) -> str:
        """See `Admission`."""
        return "" if self._standing is not None and self._standing.is_serving else "see the main process"

    def refusal(self) -> RequestError | None:
        """See `Admission`."""
        if self._standing is None:
            return NotReadyError("service unavailable", fields={"reason": "the workers are starting"})
        return self._standing.error()

    def submit(
        self, request: Request, receiver: Receiver, *, may_stream: bool = True, is_admitted: bool = True
    ) -> "RelayedRequest":
        """See `Admission`."""
        refusal = None if is_admitted else self.refusal()
        if refusal is not None:
            raise refusal
        self._count += 1
        number = self._count
        relayed = RelayedRequest(number, request, receiver, tell=self._tell, on_over=self._forget)
        header, payload = codec.encode_request(number, request, may_stream=may_stream, takes_body=receiver.takes_body)
        try:
            self._wire.send_encoded(header, *payload)
        except frames.FrameError as error:
            relayed.is_over = True
            request.remove_files()
            failure = RequestMalformedError("the request's headers are too large", detail=str(error))
            _log.error("%s: %s", failure.slug, failure.detail, extra={"request_id": request.request_id})
            receiver.respond(answers.error_response(failure, request_id=request.request_id))
        else:
            self._requests[number] = relayed
        return relayed

    def take(self, header: dict[str, Any], payload: bytes) -> None:
        """A frame of the main process that is about requests."""
        kind = header["kind"]
        if kind == "standing":
            self._standing = Standing.from_header(header)
            return
        relayed = self._requests.get(header["id"])
        if relayed is not None:
            relayed.take(kind, header, payload)
        elif kind == "response" and header["body"] == "file":
            # Its client has left meanwhile.
            self._tell("opened", header["id"])

    def _forget(self, number: int) -> None:
        del self._requests[number]

    def _tell(self, kind: str, number: int, **fields: object) -> None:
        self._wire.send({"kind": kind, "id": number, **fields})


class RelayedRequest:
    """One request that the main process has: a `Submission`.

    Args:
        number: in frames.
        request: whose files are the main process's from now on.
        receiver: gets the answer.
        tell: sends a frame of a kind about the request of a number.
        on_over: called with its number when nothing follows any more.

    Attributes:
        is_over: whether nothing follows any more.
        queued_s, leased_s, answered_s, worker_number, error: see `Submission`.
    """

    def __init__(
        self,
        number: int,
        request: Request,
        receiver: Receiver,
        *,
        tell: Callable[..., None],
        on_over: Callable[[int], None],
    ) -> None:
        self._number = number
        self._request_id = request.request_id
        self._receiver = receiver
        self._tell = tell
        self._on_over = on_over
        self._flow: Flow | None = None
        self._has_asked = False
        # For its record: what the main process says.
        self.queued_s: float | None = None
        self.leased_s: float | None = None
        self.answered_s: float | None = None
        self.worker_number = 0
        self.error = ""
        self.is_over = False

    @property
    def is_waiting(self) -> bool:
        """See `Submission`: only the main process knows, so it is asked, and the request dropped if it waits."""
        if not self._has_asked and not self.is_over:
            self._has_asked = True
            self._tell("eof", self._number)
        return False

    def cancel(self) -> None:
        """See `Submission`."""
        if self._flow is not None:
            self._flow.drop()
        if not self.is_over:
            self._end()
            self._tell("cancel", self._number)

    def take(self, kind: str, header: dict[str, Any], payload: bytes) -> None:
        """A frame of the main process."""
        if "stages" in header:
            self.queued_s, self.leased_s, self.answered_s, self.worker_number, self.error = header["stages"]
        if kind == "response":
            self._respond(header, payload)
        elif kind == "chunk" and self._flow is not None:
            self._flow.write(payload)
        elif kind == "end" and self._flow is not None and header["is_complete"]:
            self._end()
            self._flow.end()
        else:  # it was dropped, or its answer is cut short
            self._end()
            self._cut()

    def _respond(self, header: dict[str, Any], payload: bytes) -> None:
        try:
            response = codec.decode_response(header, payload, request_id=self._request_id)
        except OSError as error:
            failure = AnswerInvalidError("unexpected error occurred", detail=f"the answer cannot be read: {error}")
            _log.error("%s: %s", failure.slug, failure.detail, extra={"request_id": self._request_id})
            response = answers.error_response(failure, request_id=self._request_id)
        if header["body"] == "file":
            self._tell("opened", self._number)
        if response.body is None:
            self._flow = Flow(self._receiver, credit=self._credit)
        else:
            self._end()
        self._receiver.respond(response)

    def _credit(self, size_bytes: int) -> None:
        if not self.is_over:
            self._tell("credit", self._number, bytes=size_bytes)

    def _cut(self) -> None:
        if self._flow is not None:
            self._flow.drop()
        self._receiver.finish(is_complete=False)

    def _end(self) -> None:
        self.is_over = True
        self._on_over(self._number)
