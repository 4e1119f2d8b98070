"""Requests and answers as frames between a front and the main process.

What requests of one client, and answers of one handler, have in common is encoded once and decoded once: it is JSON
at the start of the payload, whose size the field ``head`` of the header is.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from abeja.runtime.answers import REQUEST_ID_HEADER
from abeja.runtime.messages import Body, Content, LargeBody, Request, Response, SpoolFile
from abeja.runtime.worker import frames

_Pairs = tuple[tuple[str, str], ...]
_RequestHead = tuple[str, str, str, str | None, tuple[tuple[str, tuple[str, ...]], ...]]
# Of a request, for its record: queued_s, leased_s, answered_s, worker_number and error of a `Submission`.
Stages = tuple[float | None, float | None, float | None, int, str]
# Clients and handlers send a handful of different heads; large ones are not worth their memory.
_KNOWN_HEADS = 256
_KNOWN_HEAD_LIMIT_BYTES = 4096


def encode_request(number: int, request: Request, *, may_stream: bool, takes_body: bool) -> tuple[bytes, list[bytes]]:
    """The frame of a request: its header, encoded, and its payload in pieces."""
    head = _request_head(request.method, request.path, request.query, request.content_type, request.headers)
    payload = [head]
    contents = [_content_fields(content, payload) for content in request.contents]
    header = {
        "kind": "request",
        "id": number,
        "request_id": request.request_id,
        "client_ip": request.client_ip,
        "contents": contents,
        "may_stream": may_stream,
        "takes_body": takes_body,
        "head": len(head),
    }
    return frames.encode_json(header), payload


def decode_request(header: dict[str, Any], payload: bytes) -> Request:
    """The request of a frame."""
    start = header["head"]
    parse = _parsed_request_head if start <= _KNOWN_HEAD_LIMIT_BYTES else _parsed_request_head.__wrapped__
    method, path, query, content_type, headers = parse(payload[:start])
    contents = []
    for content_type_of_part, file_name, form_name, size, file in header["contents"]:
        body: Body = payload[start : start + size] if file is None else SpoolFile(Path(file), size)
        start += size if file is None else 0
        contents.append(Content(body=body, content_type=content_type_of_part, file_name=file_name, form_name=form_name))
    return Request(
        request_id=header["request_id"],
        method=method,
        path=path,
        query=query,
        content_type=content_type,
        headers=headers,
        contents=tuple(contents),
        client_ip=header["client_ip"],
    )


def encode_response(number: int, response: Response, *, stages: Stages) -> tuple[bytes, list[bytes]]:
    """The frame of an answer: its header, encoded, and its payload in pieces.

    The request's id, which the front knows, is left out where it is the last header, as it is nearly always.
    """
    headers, body = response.headers, response.body
    has_id = bool(headers) and headers[-1][0] == REQUEST_ID_HEADER
    shared = headers[:-1] if has_id else headers
    head = _response_head(response.status, shared, response.error)
    fields: dict[str, Any] = {"kind": "response", "id": number, "has_id": has_id, "head": len(head), "stages": stages}
    payload = [head]
    if len(head) > _KNOWN_HEAD_LIMIT_BYTES:
        # A header may be larger than a payload.
        fields.update(head=0, own_head=[response.status, shared, response.error])
        payload = []
    if isinstance(body, bytes):
        return frames.encode_json({**fields, "body": "inline"}), [*payload, body]
    if body is None:
        return frames.encode_json({**fields, "body": "stream"}), payload
    file = _file(body)
    return frames.encode_json({**fields, "body": "file", "path": str(file.path), "size": file.size_bytes}), payload


def decode_response(header: dict[str, Any], payload: bytes, *, request_id: str) -> Response:
    """The answer of a frame."""
    size = header["head"]
    head = _parsed_response_head(payload[:size]) if size else _response_head_of(header["own_head"])
    status, headers, error = head
    if header["has_id"]:
        headers = (*headers, (REQUEST_ID_HEADER, request_id))
    return Response(status=status, headers=headers, body=body_of(header, payload), error=error)


def body_of(header: dict[str, Any], payload: bytes) -> Body | None:
    """The body of an answer's frame; None if it follows in pieces.

    Raises:
        OSError: it is a file that cannot be opened.
    """
    if header["body"] == "file":
        path = header["path"]
        return SpoolFile(Path(path), header["size"], os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return payload[header["head"] :] if header["body"] == "inline" else None


def _content_fields(content: Content, payload: list[bytes]) -> list[Any]:
    """Content type, file name, form name, size and path of one body, which goes into the payload if it is no file."""
    body = content.body
    names = [content.content_type, content.file_name, content.form_name]
    if not isinstance(body, bytes):
        file = _file(body)
        return [*names, file.size_bytes, str(file.path)]
    payload.append(body)
    return [*names, len(body), None]


def _file(body: LargeBody) -> SpoolFile:
    if isinstance(body, SpoolFile):
        return body
    raise TypeError("a server with fronts shares no memory with its workers")


@lru_cache(_KNOWN_HEADS)
def _request_head(
    method: str, path: str, query: str, content_type: str | None, headers: tuple[tuple[str, tuple[str, ...]], ...]
) -> bytes:
    return json.dumps([method, path, query, content_type, headers], separators=(",", ":")).encode("ascii")


@lru_cache(_KNOWN_HEADS)
def _parsed_request_head(head: bytes) -> _RequestHead:
    method, path, query, content_type, headers = json.loads(head)
    return method, path, query, content_type, tuple((name, tuple(values)) for name, values in headers)


@lru_cache(_KNOWN_HEADS)
def _response_head(status: int, headers: _Pairs, error: str) -> bytes:
    return json.dumps([status, headers, error], separators=(",", ":")).encode("ascii")


@lru_cache(_KNOWN_HEADS)
def _parsed_response_head(head: bytes) -> tuple[int, _Pairs, str]:
    return _response_head_of(json.loads(head))


def _response_head_of(parsed: Any) -> tuple[int, _Pairs, str]:
    status, headers, error = parsed
    return status, tuple((name, value) for name, value in headers), error
