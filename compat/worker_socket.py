"""Our worker alone, driven over its socket without a server."""

import importlib.metadata
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from abeja.runtime import messages
from abeja.runtime import worker as worker_package
from abeja.runtime.images import Images
from abeja.runtime.plugins import Plugins
from abeja.runtime.pool.inbox import Inbox
from abeja.runtime.pool.request_frame import request_frame
from abeja.runtime.worker import frames
from compat.model_folder import ModelFolder, model_folder
from compat.outcomes import Answer, Failure, Outcome, http_metadata
from compat.pairs import Content, Pair, Request
from compat.process import TIMEOUT_S, running

IMAGE_VERSION = "19.04"

_WORKER_FOLDER = Path(worker_package.__file__).parent
_READ_BYTES = 64 * 1024


def play(pair: Pair, *, python: str = sys.executable) -> list[Outcome]:
    """Start a worker for `pair` and send it the requests.

    Args:
        pair: the handler and its requests.
        python: path of the worker's interpreter.
    """
    try:
        with started(pair, python=python) as worker:
            return [worker.call(number, request) for number, request in enumerate(pair.requests, start=1)]
    except HandlerRefusedError as error:
        return [Failure(str(error)) for _ in pair.requests]


class HandlerRefusedError(Exception):
    """The worker did not load the handler."""


@contextmanager
def started(pair: Pair, *, python: str = sys.executable) -> Iterator["WorkerSocket"]:
    """A worker for `pair`, which takes requests until the end of the context; arguments as of `play`.

    Raises:
        HandlerRefusedError: with the worker's words.
    """
    with model_folder(pair) as folder, _started(pair, folder, python) as worker:
        worker.send(_init_header(folder, pair.entry))
        header, _ = worker.receive()
        if header["kind"] == "failed":
            raise HandlerRefusedError(header["error"]["message"])
        yield worker


class WorkerSocket:
    """The server's end of the socket to one worker, blocking.

    Args:
        sock: connected; whoever made it closes it.
        inbox: for requests; whoever made it closes it.
        folder: the model's.
    """

    def __init__(self, sock: socket.socket, inbox: Inbox, folder: ModelFolder) -> None:
        self._socket = sock
        self._inbox = inbox
        self._folder = folder
        self._decoder = frames.Decoder()
        self._received: list[frames.Frame] = []

    def send(self, header: frames.Header, payload: bytes = b"") -> None:
        """Send one frame."""
        self._socket.sendall(frames.encode(header, payload))

    def receive(self) -> frames.Frame:
        """The next frame.

        Raises:
            ConnectionError: the worker has ended.
        """
        while not self._received:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise ConnectionError(f"the worker has ended:\n{self._folder.log.read_text()}")
            self._received += self._decoder.feed(data)
        return self._received.pop(0)

    def call(self, number: int, request: Request) -> Outcome:
        """Send one request and wait for the whole answer."""
        head, payload = request_frame(number, self._message(number, request))
        frame = frames.prefix(len(head), len(payload)) + head + payload
        if len(frame) <= frames.MESSAGE_LIMIT_BYTES:
            self._inbox.put(frame)
        else:
            self._inbox.put_note()
            self._socket.sendall(frame)
        header, payload = self.receive()
        if header["kind"] == "error":
            return Failure(header["error"]["message"])
        body = self._body(header, payload)
        if isinstance(body, Failure):
            return body
        return Answer(
            status=header["status"],
            content_type=header["content_type"],
            metadata=http_metadata(dict(header["headers"])),
            body=body,
        )

    def _body(self, header: frames.Header, payload: bytes) -> bytes | Failure:
        if header["body"] == "inline":
            return payload
        if header["body"] == "file":
            return Path(header["path"]).read_bytes()
        pieces: list[bytes] = []
        while True:
            header, payload = self.receive()
            if header["kind"] == "chunk":
                pieces.append(payload)
            elif header["kind"] == "end":
                return b"".join(pieces)
            else:
                return Failure(header["error"]["message"])

    def _message(self, number: int, request: Request) -> messages.Request:
        contents = tuple(
            self._content(f"body-{number}-{index}", content) for index, content in enumerate(request.contents)
        )
        return messages.Request(
            request_id=f"compat-{number}",
            method=request.method,
            path="/",
            query=request.query,
            content_type=request.content_type,
            headers=request.headers,
            contents=() if request.method == "GET" else contents,
        )

    def _content(self, name: str, content: Content) -> messages.Content:
        body: messages.Body = content.body
        if len(content.body) > frames.INLINE_LIMIT_BYTES:
            path = self._folder.temporary / name
            path.write_bytes(content.body)
            body = messages.SpoolFile(path, len(content.body))
        return messages.Content(
            body=body,
            content_type=content.content_type,
            file_name=content.file_name,
            form_name=content.form_name,
        )


@contextmanager
def _started(pair: Pair, folder: ModelFolder, python: str) -> Iterator[WorkerSocket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    inbox = Inbox()
    ours.settimeout(TIMEOUT_S)
    with (
        closing(inbox),
        ours,
        theirs,
        running(
            [python, _WORKER_FOLDER, *_arguments({"--fd": theirs, "--inbox": inbox}), "--parent", str(os.getpid())],
            folder=folder.model,
            environment={"HANDLER": pair.entry, "TMPDIR": str(folder.temporary), **pair.environment},
            log=folder.log,
            pass_fds=(theirs.fileno(), inbox.fileno()),
        ),
    ):
        theirs.close()
        try:
            yield WorkerSocket(ours, inbox, folder)
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            inbox.end()


def _arguments(ends: Mapping[str, socket.socket | Inbox]) -> list[str]:
    return [text for name, end in ends.items() for text in (name, str(end.fileno()))]


def _init_header(folder: ModelFolder, entry: str) -> frames.Header:
    return {
        "kind": "init",
        "model_dir": str(folder.model),
        "handler": entry,
        "spool_dir": str(folder.temporary),
        "version": importlib.metadata.version("abeja-runtime"),
        "concurrency": 1,
        "output_mark": "",
        **_contract(),
    }


@cache
def _contract() -> frames.Header:
    plugins, image = Plugins.installed(), Images().select(IMAGE_VERSION)
    abi = plugins.abi(image.abi, asked_by=__name__)
    encoders = [plugins.encoder(name, asked_by=__name__) for name in image.encoders]
    return {
        "abi": {"name": abi.name, "worker": str(abi.worker)},
        "encoders": [{"name": encoder.name, "worker": str(encoder.worker)} for encoder in encoders],
    }
