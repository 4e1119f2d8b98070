"""What a worker prints: into the log line by line, with the worker and the request."""

import asyncio
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Mapping
from fcntl import ioctl
from termios import FIONREAD

from abeja.runtime import log_lines
from abeja.runtime.pool.allowance import Allowance
from abeja.runtime.pool.paragraphs import Paragraph, Paragraphs
from abeja.runtime.secrets import Secrets

_log = logging.getLogger("abeja.runtime.worker")

_NOTHING = bytes(4)

_READ_BYTES = 16 * 1024
# What a pipe holds on Linux.
_PIPE_BYTES = 64 * 1024
# As in the original: longer lines are cut here, so that a flood without newlines stays bounded.
LINE_LIMIT_BYTES = 250 * 1024
# How much of the end of its output is shown when a worker dies: the stack of a crash, and what was printed before it.
KEPT_LINES = 30
# What may belong to the lines before it comes within this time: an exception may be printed line by line.
_TOGETHER_S = 0.05
# As `logging` of the handler's Python begins a line by default, and most other formats.
_LEVEL = re.compile(r"\W?(WARNING|WARN|ERROR|CRITICAL|FATAL)\b")
_LEVELS = {"WARNING": logging.WARNING, "WARN": logging.WARNING, "ERROR": logging.ERROR}


class Output:
    """Reads the pipe that is the worker's stdout and stderr.

    The worker's Python streams label each piece with the request, see `abeja.runtime.worker.labelled_output`.
    What comes without a label, from other programs or other languages, is of the request that runs, if there is
    one only.

    Args:
        worker: the worker's number, for the log.
        mark: what begins a label.
        secrets: are never shown.
        fields_of: from the id of a request to what its records have beside the worker.

    Attributes:
        current: the id of the request that runs, if no other one can run meanwhile; else empty.
        has_unlabelled: whether something without a label has come from a request: its place in time tells which.
        last_lines: the end of the output.
    """

    def __init__(
        self,
        worker: int,
        *,
        mark: bytes,
        secrets: Secrets,
        fields_of: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._worker = worker
        self._secrets = secrets
        self._fields_of = fields_of
        self._allowance = Allowance(worker)
        # Request -> its last lines, which may not be a whole record yet.
        self._paragraphs: dict[str, Paragraphs] = {}
        self._together: asyncio.TimerHandle | None = None
        self._label = re.compile(re.escape(mark) + rb"(\d{1,4})\0([ -~]*)\0")
        self._reader: int | None = None
        # What may be the beginning of a label.
        self._unread = b""
        # Request -> the beginning of a line, and whether it came together with the end of the line before it; the empty
        # one is for what has no label.
        self._begun: dict[str, tuple[bytes, bool]] = {}
        # How many requests have the id: clients may send one twice.
        self._running: dict[str, int] = {}
        self.current = ""
        self.has_unlabelled = False
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    def open(self) -> int:
        """Start reading a new pipe; returns its writing end, which the caller closes."""
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        return writer

    def expect(self, request_id: str) -> None:
        """The worker gets a request."""
        self._running[request_id] = self._running.get(request_id, 0) + 1

    def end(self, request_id: str) -> None:
        """It has answered it, or has given it back."""
        others = self._running.pop(request_id) - 1
        if others:
            self._running[request_id] = others
        elif self.current == request_id:
            self.current = ""
        if request_id in self._begun:
            self._emit(*self._begun.pop(request_id), request_id)
        if request_id in self._paragraphs:
            self._log_all(self._paragraphs.pop(request_id).flush(), request_id)

    def drain(self) -> None:
        """Log what the worker has printed so far, so that it is counted to the right request.

        No more than a pipe holds: a handler's thread may print faster than anyone can read.
        """
        # Most print nothing, and asking costs less than an attempt to read.
        if self._reader is None or ioctl(self._reader, FIONREAD, _NOTHING) == _NOTHING:
            return
        for _ in range(_PIPE_BYTES // _READ_BYTES):
            if not self._read():
                return

    def close(self) -> None:
        """Log what is left and stop reading."""
        if self._reader is None:
            return
        self.drain()
        self._take("", self._unread)
        for request_id, begun in self._begun.items():
            self._emit(*begun, request_id or self.current)
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
        self._take_labelled(self._unread + data)
        return len(data) == _READ_BYTES

    def _take_labelled(self, data: bytes) -> None:
        at = 0
        while (match := self._label.search(data, at)) is not None:
            self._take_unlabelled(data[at : match.start()])
            at = match.end() + int(match[1])
            if at > len(data):
                self._unread = data[match.start() :]
                return
            self._take(match[2].decode("ascii"), data[match.end() : at])
        # No label has a newline in it.
        end = len(data) if len(data) - at > LINE_LIMIT_BYTES else data.rfind(b"\n", at) + 1 or at
        self._take_unlabelled(data[at:end])
        self._unread = data[end:]

    def _take_unlabelled(self, data: bytes) -> None:
        if data:
            self.has_unlabelled = self.has_unlabelled or bool(self._running)
            self._take("", data)

    def _take(self, request_id: str, data: bytes) -> None:
        begun, is_same_write = self._begun.pop(request_id, (b"", False))
        *lines, rest = (begun + data).split(b"\n")
        # What has no label is read in pieces that nobody wrote as such.
        is_piece = bool(request_id)
        if len(rest) > LINE_LIMIT_BYTES or (request_id and request_id not in self._running):
            lines.append(rest)
        elif rest:
            self._begun[request_id] = (rest, is_piece if lines else is_same_write)
        for line in lines:
            self._emit(line, is_same_write, request_id or self.current)
            is_same_write = is_piece

    def _emit(self, line: bytes, is_same_write: bool, request_id: str) -> None:  # noqa: FBT001 (as it is kept)
        text = self._secrets.hide(line.decode("utf-8", "replace").rstrip())
        if text:
            self.last_lines.append(text)
        paragraphs = self._paragraphs.get(request_id) or Paragraphs()
        self._log_all(paragraphs.add(text, is_same_write=is_same_write), request_id)
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
        more: dict[str, object] = {"worker": self._worker, "origin": "handler"}
        if paragraph.traceback:
            more.update(summary=paragraph.message, traceback=paragraph.traceback)
        if members is not None:
            more["members"] = {"message": members.pop("msg", ""), **members}
        if request_id:
            more.update(self._fields_of(request_id))
        # What a handler says is never filtered as if we had said it in passing.
        _log.log(max(level or 0, logging.INFO), "%s", paragraph.text, extra=more)

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
