"""The original worker, driven over its socket as its proxy did.

Source: abejaruntime 1.1.1. One frame per request and per reply::

    0           3      4               8
    +-----------+------+---------------+---------------+
    | AB E9 A0  |  01  | length        | body (JSON)   |
    +-----------+------+---------------+---------------+
      magic      version uint32, big-endian

Bodies travel as files whose paths are in the JSON, in both directions.
"""

import json
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from compat.model_folder import ModelFolder, model_folder
from compat.outcomes import Answer, Failure, Outcome, http_metadata
from compat.pairs import Content, Pair, Request
from compat.process import TIMEOUT_S, running

_MAGIC = b"\xab\xe9\xa0\x01"
_PREFIX = struct.Struct(">4sI")
# It says nothing when it is ready.
_POLL_S = 0.01

CLOSED = Failure("closed the connection")


def play(pair: Pair, *, environment: Path) -> list[Outcome]:
    """Start the original for `pair` and send it the requests.

    Args:
        pair: the handler and its requests.
        environment: the virtual environment with the original.
    """
    with started(pair, environment=environment) as original:
        return [original.call(number, request) for number, request in enumerate(pair.requests)]


@contextmanager
def started(pair: Pair, *, environment: Path) -> Iterator["OriginalSocket"]:
    """The original for `pair`, which takes requests until the end of the context; arguments as of `play`."""
    with model_folder(pair) as folder, _started(pair, folder, environment) as original:
        yield original


class OriginalSocket:
    """The proxy's end of the socket to one original worker, blocking.

    Args:
        connect: makes a connection, which this object closes.
        folder: the model's.
    """

    def __init__(self, connect: Callable[[], socket.socket], folder: ModelFolder) -> None:
        self._connect = connect
        self._folder = folder
        self._socket = connect()

    def close(self) -> None:
        """Close the connection; the worker goes on."""
        self._socket.close()

    def reconnect(self) -> None:
        """Connect anew, as the worker closes the connection over a reply that it cannot encode."""
        self.close()
        self._socket = self._connect()

    def call(self, number: int, request: Request) -> Outcome:
        """Send one request and wait for the reply."""
        contents = [self._content(f"body-{number}-{index}", content) for index, content in enumerate(request.contents)]
        fields = {
            "method": request.method,
            "content_type": request.content_type,
            "headers": [{"key": name, "values": values} for name, values in request.headers],
            "contents": contents,
        }
        body = json.dumps(fields).encode()
        self._socket.sendall(_PREFIX.pack(_MAGIC, len(body)) + body)
        return self._outcome()

    def _content(self, name: str, content: Content) -> dict[str, str]:
        path = self._folder.temporary / name
        path.write_bytes(content.body)
        labels = {name: getattr(content, name) for name in ("content_type", "file_name", "form_name")}
        return {"path": str(path), **{name: label for name, label in labels.items() if label is not None}}

    def _outcome(self) -> Outcome:
        prefix = self._read(_PREFIX.size)
        if len(prefix) < _PREFIX.size:
            return CLOSED
        reply: dict[str, Any] = json.loads(self._read(_PREFIX.unpack(prefix)[1]))
        if "error_message" in reply:
            return Failure(f"{reply['status_code']} {reply['error_message']}")
        return Answer(
            # The proxy reads null as 200.
            status=200 if reply["status_code"] is None else reply["status_code"],
            content_type=reply["content_type"],
            metadata=http_metadata(reply["metadata"]),
            body=Path(reply["path"]).read_bytes() if reply["path"] is not None else b"",
        )

    def _read(self, size: int) -> bytes:
        pieces = []
        while size and (piece := self._socket.recv(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


@contextmanager
def _started(pair: Pair, folder: ModelFolder, environment: Path) -> Iterator[OriginalSocket]:
    address = folder.root / "ipc.sock"
    programs = environment / "bin"
    with running(
        # The script's first line still names the folder where the environment was built.
        [programs / "python", programs / "abeja-runtime-python"],
        folder=folder.model,
        environment={
            "ABEJA_IPC_PATH": str(address),
            "HANDLER": pair.entry,
            "TMPDIR": str(folder.temporary),
            **pair.environment,
        },
        log=folder.log,
    ) as process:
        try:
            with closing(OriginalSocket(partial(_connected, process, address, folder), folder)) as original:
                yield original
        finally:
            process.terminate()


def _connected(process: subprocess.Popen[bytes], address: Path, folder: ModelFolder) -> socket.socket:
    give_up = time.monotonic() + TIMEOUT_S
    while time.monotonic() < give_up and process.poll() is None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(TIMEOUT_S)
        try:
            sock.connect(str(address))
        except OSError:
            sock.close()
            time.sleep(_POLL_S)
        else:
            return sock
    raise ConnectionError(f"the original did not start:\n{folder.log.read_text()}")
