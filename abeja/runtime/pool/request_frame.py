"""The frame of a request, as bytes.

Its header is written by hand where that is easy: most requests have one small body and differ in little.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

from abeja.runtime.messages import Content, Request, SharedBody, SpoolFile
from abeja.runtime.worker import frames

_Head = tuple[str, str, str, str | None, tuple[tuple[str, tuple[str, ...]], ...]]


def request_frame(number: int, request: Request, *, timeout_s: float | None = None) -> tuple[bytes, bytes]:
    """The `request` frame for one request: its header, encoded, and its small bodies in their order."""
    contents, payload = _contents(request.contents)
    own = b'{"kind":"request","id":%d,"request_id":%b,"client_ip":%b,"contents":%b' % (
        number,
        encode_basestring_ascii(request.request_id).encode("ascii"),
        encode_basestring_ascii(request.client_ip).encode("ascii"),
        contents,
    )
    head = (request.method, request.path, request.query, request.content_type, request.headers)
    return own + _rest(head, timeout_s), payload


def _contents(contents: tuple[Content, ...]) -> tuple[bytes, bytes]:
    """The contents for the header, and what of them comes along."""
    if len(contents) == 1:
        content = contents[0]
        body = content.body
        if isinstance(body, bytes) and content.content_type is content.file_name is content.form_name is None:
            return b'[{"size":%d}]' % len(body), body
    inline = [content.body for content in contents if isinstance(content.body, bytes)]
    return json.dumps([_fields(content) for content in contents]).encode("ascii"), b"".join(inline)


def _fields(content: Content) -> Mapping[str, Any]:
    named = {
        "content_type": content.content_type,
        "file_name": content.file_name,
        "form_name": content.form_name,
    }
    if isinstance(content.body, SpoolFile):
        return {**named, "size": content.body.size_bytes, "path": str(content.body.path)}
    if isinstance(content.body, SharedBody):
        return {**named, "size": content.body.size_bytes, "block": content.body.first}
    return {**named, "size": len(content.body)}


@lru_cache(maxsize=256)
def _rest(head: _Head, timeout_s: float | None) -> bytes:
    """What is the same for all requests with the same head: clients send the same ones again and again."""
    method, path, query, content_type, headers = head
    fields = {
        "method": method,
        "path": path,
        "query": query,
        "content_type": content_type,
        "headers": headers,
        "timeout_s": timeout_s,
    }
    return b"," + frames.encode_json(fields)[1:]
