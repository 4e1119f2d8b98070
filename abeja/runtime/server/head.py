"""The head of one HTTP request, as the rest of the server wants it."""

import re
import uuid

from attrs import frozen
from tornado.httputil import HTTPHeaders, RequestStartLine

HEALTH_PATH = "/health_check"

_REQUEST_ID_HEADERS = ("x-abeja-request-id", "x-request-id")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
# More digits than any body has bytes are a mistake or an attack.
_LENGTH = re.compile(r"[0-9]{1,18}")
# RFC 9112, 3.2: exactly one Host, which may be empty; RFC 3986, 3.2.2 for its characters.
_HOST = re.compile(r"[^\x00-\x20\x7f,/?#@\\]*")
# RFC 9112, 3.2.2: a server must accept the absolute form.
_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


@frozen(kw_only=True)
class Head:
    """Method, target and headers.

    Attributes:
        path, query: undecoded; the query without its ``?``.
        content_type: the first Content-Type, or None.
        content_length: what the client announced; None if it did not.
        expects_continue: whether the client sends the body only when it is told to.
        request_id: the client's if it sent a usable one, else a new one.
        may_stream: whether the client takes an answer of unknown length.
        has_body: whether a body follows.
        has_host: whether it names the host once, as HTTP/1.1 demands.
        is_persistent: whether the client may send another request on this connection.
    """

    method: str
    path: str
    query: str
    headers: HTTPHeaders
    content_type: str | None
    content_length: int | None
    expects_continue: bool
    request_id: str
    may_stream: bool
    is_persistent: bool
    has_host: bool
    has_body: bool

    @classmethod
    def parse(cls, line: RequestStartLine, headers: HTTPHeaders) -> "Head":
        """Of what the connection has read; `is_framed` must hold for the headers."""
        path, _, query = _ABSOLUTE_FORM.sub("", line.path, count=1).partition("?")
        content_types = headers.get_list("Content-Type")
        lengths = headers.get_list("Content-Length")
        is_http_10 = line.version == "HTTP/1.0"
        connection = {word.strip().lower() for word in headers.get("Connection", "").split(",")}
        return cls(
            method=line.method,
            path=path or "/",
            query=query,
            headers=headers,
            content_type=_text(content_types[0]) if content_types else None,
            content_length=int(lengths[0]) if lengths else None,
            expects_continue=headers.get("Expect", "").lower() == "100-continue",
            request_id=_request_id(headers),
            may_stream=not is_http_10,
            is_persistent="close" not in connection and (not is_http_10 or "keep-alive" in connection),
            has_body=bool(lengths and int(lengths[0])) or "Transfer-Encoding" in headers,
            has_host=is_http_10 or _has_host(headers),
        )

    def visible_headers(self, hidden: frozenset[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(lower-case name, values) sorted by name, without the `hidden` ones."""
        names = sorted({name.lower() for name in self.headers} - hidden)
        return tuple((name, tuple(map(_text, self.headers.get_list(name)))) for name in names)


def is_framed(headers: HTTPHeaders) -> bool:
    """Whether the end of the body can be found: one usable length, or chunks, not both."""
    lengths = headers.get_list("Content-Length")
    codings = headers.get_list("Transfer-Encoding")
    if codings:
        return not lengths and [coding.lower() for coding in codings] == ["chunked"]
    return all(_LENGTH.fullmatch(length) and length == lengths[0] for length in lengths)


def _has_host(headers: HTTPHeaders) -> bool:
    hosts = headers.get_list("Host")
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


def _request_id(headers: HTTPHeaders) -> str:
    for name in _REQUEST_ID_HEADERS:
        value = headers.get(name, "")
        if _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex


def _text(value: str) -> str:
    """A header value as text: its octets are UTF-8, and what is not becomes U+FFFD, as in the original."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")
