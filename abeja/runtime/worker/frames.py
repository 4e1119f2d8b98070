"""The wire format between server and worker: one frame after another on a Unix stream socket.

::

    0       3       4               8               12
    +-------+-------+---------------+---------------+----------------+------------------+
    | "ABW" |  0x01 | header length | payload length| header (JSON)  | payload (raw)    |
    +-------+-------+---------------+---------------+----------------+------------------+
      magic  version  uint32, big-endian each         UTF-8 object     bytes

The header is a JSON object whose ``kind`` names the message; small bodies are the payload, large
ones lie in files or in shared memory, and the header says where. Nothing is ever pickled.

==========  =========  ========================================================================
kind        sent by    header fields
==========  =========  ========================================================================
init        server     model_dir, handler, abi, encoders, spool_dir, version, concurrency, output_mark (see
                       `labelled_output`), memory (up to two descriptors: see `large_bodies`)
ready       worker     python
failed      worker     error (`slug`, `message`, `hint`, `traceback`)
request     server     id, request_id, method, path, query, content_type, headers, contents, client_ip,
                       timeout_s
cancel      server     id: the client has left, stop producing the streamed answer
credit      server     id, bytes: so many more of the streamed answer may be sent
response    worker     id, status, content_type, headers, body: "inline", "stream", "memory" (block, size) or
                       "file" (path, size)
chunk       worker     id; the payload is the next piece of a streamed answer
end         worker     id: the streamed answer is complete
error       worker     id, error (`slug`, `message`, `traceback`); also in the middle of a stream
==========  =========  ========================================================================

Requests go to the worker through a second socket, its `inbox`, one frame in each message; see there.

A worker has up to `concurrency` requests at once, and the frames of their answers mix. With more
than one, the chunks of a streamed answer may be WINDOW_BYTES ahead of what has been credited, so
that a slow client holds up its own answer and no other. With one, the server just stops reading.
"""

import functools
import json
import struct
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Tuple, Union

MAGIC = b"ABW\x01"

# A head of 64 KiB, escaped to ASCII, stays far below this; what the names of many multipart parts may
# reach beyond it is refused.
HEADER_LIMIT_BYTES = 8 * 1024 * 1024
# Bodies above INLINE_LIMIT_BYTES are elsewhere: what is left are pieces of this order.
PAYLOAD_LIMIT_BYTES = 1024 * 1024
# A body up to this size travels in the frame; the size at which the server stops holding a body in memory.
INLINE_LIMIT_BYTES = 64 * 1024
# A request up to this size is one message of the inbox; several fit into what a socket holds.
MESSAGE_LIMIT_BYTES = 32 * 1024
# Says in the inbox that the request comes through the channel. No frame begins so.
ELSEWHERE = b"\0"
# What a worker may send of a streamed answer before the server gives credit: as much as a socket
# holds, so that a fast client does not wait for credit to come and go.
WINDOW_BYTES = 256 * 1024

# Our own: user code may replace json.dumps and json.loads.
_encode_json = json.JSONEncoder(separators=(",", ":")).encode
_decode_json = json.JSONDecoder().decode
_scan_json: Callable[[str, int], Tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]

_PREFIX = struct.Struct(">4sII")

# What begins the part of a header that is the same for many requests of a client, and for many answers of a handler.
_REPEATED = b',"method":'
_REPEATED_LIMIT_BYTES = 4096
# What a request's header begins with.
_REQUEST = b'{"kind":"request",'
# What an answer's header begins with; its number and a comma follow, and then the repeated part.
_ANSWER = b'{"kind":"response","id":'
_NUMBER_LENGTH = 19

Header = Dict[str, Any]
Frame = Tuple[Header, bytes]


class FrameError(Exception):
    """The bytes on the socket are not frames of this protocol version."""


def encode(header: Header, payload: Union[bytes, memoryview] = b"") -> bytes:
    """One frame as bytes.

    Raises:
        FrameError: the header or the payload is above its limit.
    """
    return b"".join((encode_head(header, len(payload)), payload))


def encode_inline(header: Header, payload: bytes) -> bytes:
    """The frame that `encode` makes of a `response` whose body is "inline", in less time.

    Raises:
        FrameError: the header or the payload is above its limit.
    """
    status, content_type = header["status"], header["content_type"]
    if header["headers"] or type(status) is not int or type(content_type) is not str:
        return encode(header, payload)
    # Of most handlers' answers, only the id differs.
    head = b"%s%d%s" % (_ANSWER, header["id"], _rest_of_head(status, content_type))
    if len(head) > INLINE_LIMIT_BYTES or len(payload) > INLINE_LIMIT_BYTES:
        return encode(header, payload)  # which knows how much is too much
    return b"".join((_PREFIX.pack(MAGIC, len(head), len(payload)), head, payload))


def encode_head(header: Header, payload_size: int) -> bytes:
    """One frame as bytes, but for its payload.

    Raises:
        FrameError: the header or the payload is above its limit.
    """
    head = encode_json(header)
    return prefix(len(head), payload_size) + head


def encode_json(header: Header) -> bytes:
    """A frame's header as bytes."""
    return _encode_json(header).encode("ascii")


def prefix(head_size: int, payload_size: int) -> bytes:
    """What a frame begins with.

    Raises:
        FrameError: the header or the payload is above its limit.
    """
    if head_size > HEADER_LIMIT_BYTES or payload_size > PAYLOAD_LIMIT_BYTES:
        raise FrameError("a frame of %d + %d bytes is above the limits" % (head_size, payload_size))
    return _PREFIX.pack(MAGIC, head_size, payload_size)


@functools.lru_cache(maxsize=64)
def _rest_of_head(status: int, content_type: str) -> bytes:
    fields = {"status": status, "content_type": content_type, "headers": [], "body": "inline"}
    return b"," + _encode_json(fields)[1:].encode("ascii")


def decode(data: bytes) -> Frame:
    """The one frame that `data` is.

    Raises:
        FrameError: it is not exactly one.
    """
    if len(data) < _PREFIX.size:
        raise FrameError("%d bytes are no frame" % len(data))
    head_size, payload_size = _lengths(data, 0)
    body = _PREFIX.size + head_size
    if body + payload_size != len(data):
        raise FrameError("%d bytes are not one frame" % len(data))
    return _header(data[_PREFIX.size : body]), data[body:]


class Decoder(object):
    """Cuts a stream of bytes into frames, however it was split."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterable[Frame]:
        """Give each frame that `data` completes.

        Raises:
            FrameError: wrong magic or version, a length above its limit, or a header that is not
                a JSON object. The stream cannot be resynchronised: close it.
        """
        if self._buffer:
            self._buffer += data
            return self._cut_buffer()
        if len(data) >= _PREFIX.size:
            head_size, payload_size = _lengths(data, 0)
            body = _PREFIX.size + head_size
            if body + payload_size == len(data):  # as nearly always
                return ((_header(data[_PREFIX.size : body]), data[body:]),)
        return self._cut_whole(data)

    def _cut_whole(self, data: bytes) -> Iterator[Frame]:
        """Those that are in `data` from their beginning. The rest goes into the buffer."""
        at, size = 0, len(data)
        while size - at >= _PREFIX.size:
            head_size, payload_size = _lengths(data, at)
            start = at + _PREFIX.size
            body = start + head_size
            end = body + payload_size
            if end > size:
                break
            yield _header(data[start:body]), data[body:end]
            at = end
        self._buffer += data[at:]

    def _cut_buffer(self) -> Iterator[Frame]:
        buffer = self._buffer
        while len(buffer) >= _PREFIX.size:
            head_size, payload_size = _lengths(bytes(buffer[: _PREFIX.size]), 0)
            start = _PREFIX.size + head_size
            end = start + payload_size
            if len(buffer) < end:
                return
            header = _header(bytes(buffer[_PREFIX.size : start]))
            payload = bytes(buffer[start:end])
            del buffer[:end]
            yield header, payload


def _lengths(data: bytes, at: int) -> Tuple[int, int]:
    magic, head_size, payload_size = _PREFIX.unpack_from(data, at)
    if magic != MAGIC:
        raise FrameError("expected the magic %r, found %r" % (MAGIC, magic))
    if head_size > HEADER_LIMIT_BYTES or payload_size > PAYLOAD_LIMIT_BYTES:
        raise FrameError("a frame announces %d + %d bytes, above the limits" % (head_size, payload_size))
    return head_size, payload_size


def _header(raw: bytes) -> Header:
    # Nearly all are one of these.
    usual = _answer(raw) if raw.startswith(_ANSWER) else _request(raw) if raw.startswith(_REQUEST) else None
    if usual is not None:
        return usual
    try:
        header = _parsed(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame's header is not JSON: %s" % error) from error
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise FrameError("a frame's header is not an object with a kind")
    return header


def _answer(raw: bytes) -> Optional[Header]:
    """The header of an answer, which begins as such, in little time; None if it is no usual one."""
    number, _, repeated = raw[len(_ANSWER) :].partition(b",")
    if not number.isdigit() or len(number) >= _NUMBER_LENGTH or len(repeated) > _REPEATED_LIMIT_BYTES:
        return None
    header: Header = {"kind": "response", "id": int(number)}
    try:
        header.update(_parsed_repeated(repeated))
    except (ValueError, RecursionError):
        return None
    return header if header["kind"] == "response" else None


def _request(raw: bytes) -> Optional[Header]:
    """The same for a request."""
    at = raw.find(_REPEATED)
    if at < 0 or len(raw) - at > _REPEATED_LIMIT_BYTES:
        return None
    try:
        text = raw[:at].decode("utf-8") + "}"
        header, end = _scan_json(text, 0)
        header.update(_parsed_repeated(raw[at + 1 :]))
    except (ValueError, RecursionError, StopIteration):
        return None  # the mark was within another value, or it is no JSON
    return header if end == len(text) and header["kind"] == "request" else None


@functools.lru_cache(maxsize=64)
def _parsed_repeated(raw: bytes) -> Any:
    return _parsed("{" + raw.decode("utf-8"))


def _parsed(text: str) -> Any:
    # The decoder without its search for white space, which our own headers do not have.
    try:
        value, end = _scan_json(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _decode_json(text)
