"""The worker's life: load, say ready, serve one request after another until the server has gone."""

import itertools
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from . import failure, frames, labelled_output, loading
from .channel import ChannelClosedError
from .large_bodies import LargeBodies
from .message import Message
from .services import Services


def run(channel: Any, inbox: Any, init: Dict[str, Any], make: Optional[Callable[..., Any]] = None) -> int:
    """Load what `init` names, say so, and serve until the server has gone. Returns the exit code.

    Args:
        channel: the connection to the server.
        inbox: gives the requests.
        init: the header of the `init` frame.
        make: another class than `SerialSession`.
    """
    try:
        session = (make or SerialSession)(channel, inbox, init)
    except failure.LoadError as error:
        channel.send({"kind": "failed", "error": error.describe()})
        return 4
    try:
        channel.send({"kind": "ready", "python": sys.version.split()[0]})
        session.serve()
    except ChannelClosedError:
        return 0
    return 0


class Session(object):
    """A loaded handler, and how one request of it is answered over `channel`.

    Args:
        channel: the connection to the server.
        init: the header of the `init` frame.
        loop: runs coroutines, as `SharedLoop` does; without one, the thread that has them.
    """

    def __init__(self, channel: Any, init: Dict[str, Any], loop: Optional[Any] = None) -> None:
        self._channel = channel
        self._bodies = LargeBodies(init["spool_dir"], init.get("memory", ()))
        self._services, self._adapter = _load_adapter(init, loop)

    def answer(self, header: Dict[str, Any], payload: bytes) -> None:
        """Answer one request, given as its frame.

        Raises:
            ChannelClosedError: the server has gone.
            BaseException: whatever the handler, or the ABI about its answer, raised.
        """
        message = Message(header, payload, self._bodies)
        try:
            reply = self._adapter.call(message)
            self._channel.require_owner()
            self._reply(header["id"], reply)
        except BaseException:
            _flush_output()
            raise
        finally:
            message.close()

    def close(self) -> None:
        """Let go of what the services hold."""
        self._services.close()

    def report(self, request_id: int, error: BaseException) -> None:
        """Send, instead of an answer, the error that `answer` has raised.

        Raises:
            ChannelClosedError: the server has gone; this may be the error.
        """
        if isinstance(error, ChannelClosedError):
            raise error
        self._channel.send({"kind": "error", "id": request_id, "error": failure.describe(error)})

    def _reply(self, request_id: int, reply: Dict[str, Any]) -> None:
        head = {
            "kind": "response",
            "id": request_id,
            "status": reply["status"],
            "content_type": reply["content_type"],
            "headers": [(name, value) for name, value in reply["headers"]],
        }
        body = reply["body"]
        if reply["streamed"]:
            self._stream(request_id, head, body)
            return
        # Most bodies are one small piece, as it is sent.
        is_piece = type(body) is tuple and len(body) == 1 and type(body[0]) is bytes
        is_small = is_piece and len(body[0]) <= frames.INLINE_LIMIT_BYTES
        payload, pieces = (body[0], ()) if is_small else _collect(body)
        if pieces:
            self._send_large(head, pieces)
            return
        _flush_output()
        head["body"] = "inline"
        self._channel.send_frame(frames.encode_inline(head, payload))

    def _stream(self, request_id: int, head: Dict[str, Any], body: Iterable[bytes]) -> None:
        try:
            self._channel.send(dict(head, body="stream"))
            for chunk in body:
                if self._channel.is_cancelled(request_id):
                    break
                for piece in _pieces(chunk):
                    self._channel.send({"kind": "chunk", "id": request_id}, piece)
        finally:
            # A generator that was given up cleans up now, while the request is its own.
            close = getattr(body, "close", None)
            if close is not None:
                close()
        _flush_output()
        self._channel.send({"kind": "end", "id": request_id})

    def _send_large(self, head: Dict[str, Any], pieces: Iterable[bytes]) -> None:
        place = self._bodies.put(pieces)
        _flush_output()
        try:
            frame = frames.encode(dict(head, **place))
        except BaseException:
            self._bodies.drop(place)
            raise
        self._channel.send_frame(frame)


class SerialSession(Session):
    """Serves one request at a time, in this thread.

    Args:
        channel: the connection to the server.
        inbox: gives the requests.
        init: the header of the `init` frame.
    """

    def __init__(self, channel: Any, inbox: Any, init: Dict[str, Any]) -> None:
        self._inbox = inbox
        self._current = labelled_output.OneRequest()
        # Before the handler is loaded: its loggers keep the stream that they find.
        labelled_output.install(init["output_mark"].encode("ascii"), self._current)
        super(SerialSession, self).__init__(channel, init)

    def serve(self) -> None:
        """Answer requests until end of file."""
        while True:
            frame = self._inbox.receive(self._channel.receive_request)
            if frame is None:
                return
            header, payload = frame
            self._current.request_id = header["request_id"]
            try:
                self.answer(header, payload)
            except BaseException as error:  # SystemExit, GeneratorExit and the user's own too: the worker lives on
                self.report(header["id"], error)
            self._current.request_id = ""


def _load_adapter(init: Dict[str, Any], loop: Optional[Any]) -> Tuple[Services, Any]:
    abi = init["abi"]
    adapter_class = loading.load_plugin_class("abi", abi, "Adapter")
    encoders = [loading.load_plugin_class("encoder", encoder, "Encoder") for encoder in init["encoders"]]
    function = loading.load_handler(init["model_dir"], init["handler"])
    services = Services(encoders, init["version"], init["handler"], loop)
    try:
        return services, adapter_class(function, services)
    except BaseException as error:  # the adapter may refuse the handler or its environment
        raise failure.LoadError(
            "handler-refused",
            "handler ABI '%s' does not accept %s: %s" % (abi["name"], init["handler"], error),
            "if the handler is of another ABI: the image version decides it, and `abeja-runtime images` lists them.",
            None if isinstance(error, ValueError) else error,
        ) from error


def _collect(body: Iterable[bytes]) -> Tuple[bytes, Iterable[bytes]]:
    """The whole body if it is small, and nothing; else nothing, and its pieces."""
    pieces: List[bytes] = []
    size = 0
    iterator = iter(body)
    for piece in iterator:
        pieces.append(piece)
        size += len(piece)
        if size > frames.INLINE_LIMIT_BYTES:
            return b"", itertools.chain(pieces, iterator)
    return b"".join(pieces), ()


def _pieces(chunk: bytes) -> Iterable[bytes]:
    if len(chunk) <= frames.INLINE_LIMIT_BYTES:
        return (chunk,) if chunk else ()
    view = memoryview(chunk).cast("B")
    step = frames.INLINE_LIMIT_BYTES
    return (bytes(view[start : start + step]) for start in range(0, len(view), step))


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: S112 (a handler may have closed them, or put anything in their place)
            continue
