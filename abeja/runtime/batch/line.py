"""A result as one line of JSON."""

import base64
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NoReturn

from abeja.runtime.batch.result import Result
from abeja.runtime.messages import Body, whole

# A multiple of three bytes becomes Base64 without padding.
_PIECE_BYTES = 3 * 64 * 1024
_TIME_DIGITS = 6


def fields_of(result: Result) -> dict[str, Any]:
    """What a line says beside the body."""
    return {
        "input": result.item.name,
        "status": result.status,
        "content_type": result.content_type,
        "error": result.error,
        "time": round(result.time_s, _TIME_DIGITS),
    }


def line_of(result: Result) -> Iterator[bytes]:
    """The line, piece by piece, with its newline.

    A JSON body stands in it as it is, JSON Lines as an array, any other body as Base64; `encoding` says which.
    A JSON body is in memory as a whole while this goes on, another one is not.
    """
    yield json.dumps(fields_of(result)).encode("ascii")[:-1]
    encoding, pieces = _encoded(result)
    yield b', "encoding": "%s", "body": ' % encoding
    yield from pieces
    yield b"}\n"


def write_line(result: Result, file: BinaryIO) -> None:
    """Write `line_of` a result to a file."""
    file.writelines(line_of(result))


def _encoded(result: Result) -> tuple[bytes, Iterable[bytes]]:
    if _is_json_type(result.content_type):
        data = whole(result.body)
        if (value := _on_one_line(data)) is not None:
            return b"json", (value,)
        values = [_on_one_line(line) for line in data.split(b"\n") if line.strip()]
        if values and None not in values:
            return b"json-lines", (b"[", b", ".join(filter(None, values)), b"]")
        return b"base64", _in_base64(data)
    return b"base64", _in_base64(result.body)


def _is_json_type(content_type: str) -> bool:
    return "json" in content_type.partition(";")[0].lower().partition("/")[2]


def _on_one_line(data: bytes) -> bytes | None:
    """JSON with its numbers and texts as they are written; None if it is not JSON."""
    try:
        # The numbers are looked at and never made, so none is too long.
        json.loads(data.decode("utf-8"), parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    # In JSON, a newline is never part of a text.
    return data.strip().replace(b"\r", b" ").replace(b"\n", b" ")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _in_base64(body: Body) -> Iterator[bytes]:
    yield b'"'
    if not isinstance(body, bytes):
        # Buffered: a read that gave less than it was asked for would end in padding.
        with body.open() as unbuffered, io.BufferedReader(unbuffered, _PIECE_BYTES) as file:  # type: ignore[type-var] # a raw file
            while data := file.read(_PIECE_BYTES):
                yield base64.b64encode(data)
    else:
        yield base64.b64encode(body)
    yield b'"'
