"""The main process's side of one front: takes its requests, and sends it the answers."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from abeja.runtime import answers
from abeja.runtime.admission import Admission, Submission
from abeja.runtime.errors import AnswerInvalidError
from abeja.runtime.fronts import codec
from abeja.runtime.fronts.wire import WINDOW_BYTES, Wire
from abeja.runtime.messages import Response, SpoolFile
from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")


class Reception:
    """Requests of one front.

    Args:
        admission: takes them.
        wire: to the front.

    Attributes:
        count: how many there have been.
    """

    def __init__(self, admission: Admission, *, wire: Wire) -> None:
        self._admission = admission
        self._wire = wire
        self._callers: dict[int, _Caller] = {}
        # Of answers, until the front has opened them.
        self._files: dict[int, BinaryIO] = {}
        self.count = 0

    @property
    def running(self) -> int:
        """How many of them have no answer yet."""
        return len(self._callers)

    def take(self, header: dict[str, Any], payload: bytes) -> None:
        """A frame of the front that is about a request."""
        kind, number = header["kind"], header["id"]
        if kind == "opened":
            self._files.pop(number).close()
        elif kind == "request":
            self._submit(number, header, payload)
        elif (caller := self._callers.get(number)) is None:
            return  # the end of its answer is on its way
        elif kind == "credit":
            caller.credit(header["bytes"])
        elif kind == "cancel" or caller.is_waiting:
            self.forget(number)
            caller.cancel()
            if kind == "eof":
                self._wire.send({"kind": "dropped", "id": number})

    def close(self) -> None:
        """The front has gone: so have the clients."""
        callers, self._callers = self._callers, {}
        for caller in callers.values():
            caller.cancel()
        for file in self._files.values():
            file.close()

    def forget(self, number: int) -> None:
        """The request has its answer, or nobody wants it any more."""
        self._callers.pop(number, None)

    def respond(self, number: int, response: Response, *, request_id: str, stages: codec.Stages) -> None:
        """Send an answer, or its head."""
        try:
            response = self._readable(number, response)
        except OSError as error:
            failure = AnswerInvalidError("unexpected error occurred", detail=f"the answer cannot be read: {error}")
            _log.error("%s: %s", failure.slug, failure.detail, extra={"request_id": request_id})
            response = answers.error_response(failure, request_id=request_id)
        header, payload = codec.encode_response(number, response, stages=stages)
        try:
            self._wire.send_encoded(header, *payload)
        except frames.FrameError as error:
            failure = AnswerInvalidError("unexpected error occurred", detail=f"its headers are too large: {error}")
            _log.error("%s: %s", failure.slug, failure.detail, extra={"request_id": request_id})
            answer = answers.error_response(failure, request_id=request_id)
            self.respond(number, answer, request_id=request_id, stages=stages)

    def send(self, kind: str, number: int, payload: bytes = b"", **fields: object) -> None:
        """Send a frame about a request."""
        self._wire.send({"kind": kind, "id": number, **fields}, payload)

    def _submit(self, number: int, header: dict[str, Any], payload: bytes) -> None:
        self.count += 1
        caller = self._callers[number] = _Caller(
            self, number, request_id=header["request_id"], takes_body=header["takes_body"]
        )
        request = codec.decode_request(header, payload)
        caller.submission = self._admission.submit(request, caller, may_stream=header["may_stream"])

    def _readable(self, number: int, response: Response) -> Response:
        """The same, with a file that the front can open: without a name, and open here until the front has it."""
        body = response.body
        if body is None or isinstance(body, bytes):
            return response
        try:
            file = self._files[number] = body.open()
        finally:
            body.remove()
        path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
        return attrs.evolve(response, body=SpoolFile(path, body.size_bytes))


class _Caller:
    """Who waits for the answer to one request: its `Receiver`.

    Attributes:
        takes_body: see `Receiver`.
        submission: the request; None while it is being submitted.
    """

    def __init__(self, reception: Reception, number: int, *, request_id: str, takes_body: bool) -> None:
        self._reception = reception
        self._number = number
        self._request_id = request_id
        self._ahead_bytes = 0
        self._taken: asyncio.Future[None] | None = None
        self.takes_body = takes_body
        self.submission: Submission | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has had the request yet."""
        return self.submission is not None and self.submission.is_waiting

    @property
    def _stages(self) -> codec.Stages:
        one = self.submission
        if one is None:
            return None, None, None, 0, ""
        return one.queued_s, one.leased_s, one.answered_s, one.worker_number, one.error

    def cancel(self) -> None:
        """The client has left."""
        if self.submission is not None:
            self.submission.cancel()

    def credit(self, size_bytes: int) -> None:
        """The client has taken some of a streamed answer."""
        self._ahead_bytes -= size_bytes
        if self._taken is not None and self._ahead_bytes < WINDOW_BYTES:
            taken, self._taken = self._taken, None
            taken.set_result(None)

    def respond(self, response: Response) -> None:
        """See `Receiver`."""
        if response.body is not None:
            self._reception.forget(self._number)
        self._reception.respond(self._number, response, request_id=self._request_id, stages=self._stages)

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Receiver`."""
        self._ahead_bytes += len(data)
        self._reception.send("chunk", self._number, data)
        if self._ahead_bytes >= WINDOW_BYTES and self._taken is None:
            self._taken = asyncio.get_running_loop().create_future()
        return self._taken

    def finish(self, *, is_complete: bool) -> None:
        """See `Receiver`."""
        self._reception.forget(self._number)
        self._reception.send("end", self._number, is_complete=is_complete, stages=self._stages)
