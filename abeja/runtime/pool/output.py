"""What a worker prints: into the log line by line, with the worker and the request."""

import asyncio
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Mapping

from abeja.runtime import log_lines
from abeja.runtime.pool.allowance import Allowance
from abeja.runtime.pool.paragraphs import Paragraph, Paragraphs
from abeja.runtime.secrets import Secrets

_log = logging.getLogger("abeja.runtime.worker")

_READ_BYTES = 16 * 1024
# What a pipe holds on Linux.
_PIPE_BYTES = 64 * 1024
# As in the original: longer lines are cut here, so that a flood without newlines stays bounded.
LINE_LIMIT_BYTES = 250 * 1024
# How much of the end of its output is shown when a worker dies.
KEPT_LINES = 20
# What may belong to the lines before it comes within this time: an exception may be printed line by line.
_TOGETHER_S = 0.05
# As `logging` of the handler's Python begins a line by default, and most other formats.
_LEVEL = re.compile(r"\W?(WARNING|WARN|ERROR|CRITICAL|FATAL)\b")
_LEVELS = {"WARNING": logging.WARNING, "WARN": logging.WARNING, "ERROR": logging.ERROR}


def _no_fields(request_id: str) -> Mapping[str, str]:
    return {"request_id": request_id}


class Output:
    """Reads the pipe that is the worker's stdout and stderr.

    A worker with one request at a time prints what that request prints. With several at once, its
    Python streams label each piece with the request, see `abeja.runtime.worker.labelled_output`;
    what comes without a label is of no request.

    Args:
        worker: the worker's number, for the log.
        mark: what begins a label; empty if there are none.
        secrets: are never shown.
        fields_of: from the id of a request to what its records have beside the worker.

    Attributes:
        last_lines: the end of the output.
    """

    def __init__(
        self,
        worker: int,
        *,
        mark: bytes = b"",
        secrets: Secrets,
        fields_of: Callable[[str], Mapping[str, str]] = _no_fields,
    ) -> None:
        self._worker = worker
        self._secrets = secrets
        self._fields_of = fields_of
        self._allowance = Allowance(worker)
        # Request -> its last lines, which may not be a whole record yet.
        self._paragraphs: dict[str, Paragraphs] = {}
        self._together: asyncio.TimerHandle | None = None
        self._label = re.compile(re.escape(mark) + rb"(\d{1,4})\0([ -~]*)\0") if mark else None
        self._reader: int | None = None
        # What may be the beginning of a label.
        self._unread = b""
        # Request -> the beginning of a line; the empty one is for what has no label.
        self._begun: dict[str, bytes] = {}
        self._running: set[str] = set()
        self._current = ""
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    def open(self) -> int:
        """Start reading a new pipe; returns its writing end, which the caller closes."""
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        return writer

    def begin(self, request_id: str) -> None:
        """The worker gets a request."""
        if self._label is None:
            self._current = request_id
        else:
            self._running.add(request_id)

    def end(self, request_id: str) -> None:
        """The worker has answered it."""
        self._current = ""
        self._running.discard(request_id)
        if request_id in self._begun:
            self._emit(self._begun.pop(request_id), request_id)
        if request_id in self._paragraphs:
            self._log_all(self._paragraphs.pop(request_id).flush(), request_id)

    def drain(self) -> None:
        """Log what the worker has printed so far, so that it is counted to the right request.

        No more than a pipe holds: a handler's thread may print faster than anyone can read.
        """
        for _ in range(_PIPE_BYTES // _READ_BYTES):
            if not self._read():
                return

    def close(self) -> None:
        """Log what is left and stop reading."""
        if self._reader is None:
            return
        self.drain()
        self._take("", self._unread)
        for request_id, line in self._begun.items():
            self._emit(line, request_id or self._current)
        self._begun = {}
        self._log_open()
        self._allowance.report()
        self._forget()

    def _read(self) -> bool:
        if self._reader is None:
            return False
        try:
            data = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._forget()
            return False
        if self._label is None:
            self._take("", data)
        else:
            self._take_labelled(self._label, self._unread + data)
        return len(data) == _READ_BYTES

    def _take_labelled(self, label: re.Pattern[bytes], data: bytes) -> None:
        at = 0
        while (match := label.search(data, at)) is not None:
            self._take("", data[at : match.start()])
            at = match.end() + int(match[1])
            if at > len(data):
                self._unread = data[match.start() :]
                return
            self._take(match[2].decode("ascii"), data[match.end() : at])
        # No label has a newline in it.
        end = len(data) if len(data) - at > LINE_LIMIT_BYTES else data.rfind(b"\n", at) + 1 or at
        self._take("", data[at:end])
        self._unread = data[end:]

    def _take(self, request_id: str, data: bytes) -> None:
        *lines, rest = (self._begun.pop(request_id, b"") + data).split(b"\n")
        if len(rest) > LINE_LIMIT_BYTES or (request_id and request_id not in self._running):
            lines.append(rest)
        elif rest:
            self._begun[request_id] = rest
        for line in lines:
            self._emit(line, request_id or self._current)

    def _emit(self, line: bytes, request_id: str) -> None:
        text = self._secrets.hide(line.decode("utf-8", "replace").rstrip())
        if text:
            self.last_lines.append(text)
        paragraphs = self._paragraphs.get(request_id) or Paragraphs()
        self._log_all(paragraphs.add(text), request_id)
        if not paragraphs.is_open:
            self._paragraphs.pop(request_id, None)
            return
        self._paragraphs[request_id] = paragraphs
        if self._together is None:
            self._together = asyncio.get_running_loop().call_later(_TOGETHER_S, self._log_open)

    def _log_open(self) -> None:
        """What has not come by now belongs to nothing before it."""
        if self._together is not None:
            self._together.cancel()
            self._together = None
        opened, self._paragraphs = self._paragraphs, {}
        for request_id, paragraphs in opened.items():
            self._log_all(paragraphs.flush(), request_id)

    def _log_all(self, paragraphs: list[Paragraph], request_id: str) -> None:
        for paragraph in paragraphs:
            if self._allowance.take():
                self._log(paragraph, request_id)

    def _log(self, paragraph: Paragraph, request_id: str) -> None:
        members = log_lines.parsed(paragraph.message)
        level = log_lines.level_of(members) if members is not None else _level_of(paragraph)
        more: dict[str, object] = {"worker": self._worker, "origin": "handler", "traceback": paragraph.traceback}
        if members is not None:
            more["members"] = {"message": members.pop("msg", ""), **members}
        if request_id:
            more.update(self._fields_of(request_id))
        # What a handler says is never filtered as if we had said it in passing.
        _log.log(max(level or 0, logging.INFO), "%s", paragraph.message, extra=more)

    def _forget(self) -> None:
        if self._reader is not None:
            asyncio.get_running_loop().remove_reader(self._reader)
            os.close(self._reader)
            self._reader = None


def _level_of(paragraph: Paragraph) -> int:
    if paragraph.traceback:
        return logging.ERROR
    match = _LEVEL.match(paragraph.message)
    return _LEVELS.get(match[1], logging.CRITICAL) if match is not None else logging.INFO
