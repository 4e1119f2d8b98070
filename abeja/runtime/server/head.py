"""The head of one HTTP request, as the rest of the server wants it."""

import re
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from abeja.runtime.errors import (
    HeadTooLargeError,
    RequestError,
    RequestMalformedError,
    TargetTooLongError,
    VersionUnsupportedError,
)

HEALTH_PATH = "/health_check"

# Clients and proxies of today send a few hundred bytes, and cookies of 4 KiB each at most.
HEAD_LIMIT_BYTES = 64 * 1024
FIELD_LIMIT = 100
# RFC 9110, 4.1: at least 8000 octets should be understood.
TARGET_LIMIT_BYTES = 8 * 1024

_REQUEST_ID_HEADERS = ("x-abeja-request-id", "x-request-id")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
# More digits than any body has bytes are a mistake or an attack.
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9112, 3.2: exactly one Host, which may be empty; RFC 3986, 3.2.2 for its characters.
_HOST = re.compile(r"[^\x00-\x20\x7f,/?#@\\]*")
# RFC 9112, 3.2.2: a server must accept the absolute form.
_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# Methods whose targets have a form of their own: an authority, an asterisk. No handler ABI has them.
_OTHER_FORMS = ("CONNECT", "OPTIONS")
_VERSIONS = ("HTTP/1.0", "HTTP/1.1")

Headers = tuple[tuple[str, tuple[str, ...]], ...]


@frozen(kw_only=True, eq=False)
class Head:
    """Method, target and fields.

    Attributes:
        path, query: undecoded; the query without its ``?``.
        fields: lower-case name -> values, in the order in which they came, as latin-1.
        content_type: the first Content-Type, or None.
        may_be_form: whether the body may be a form, which has to be parsed.
        content_length: what the client announced; None if it did not.
        expects_continue: whether the client sends the body only when it is told to.
        client_id: the request id that the client sent; empty if it sent no usable one.
        is_http_10: whether the client takes no answer of unknown length.
        has_body: whether a body follows.
        is_persistent: whether the client may send another request on this connection.
        problem: why the request cannot be served, whatever the handler is; None if it can.
    """

    method: str
    path: str
    query: str
    fields: Mapping[str, Sequence[str]]
    content_type: str | None
    may_be_form: bool
    content_length: int | None
    expects_continue: bool
    client_id: str
    is_http_10: bool
    is_persistent: bool
    has_body: bool
    problem: RequestError | None
    _visible: dict[frozenset[str], Headers] = field(init=False, factory=dict)

    @classmethod
    def parse(
        cls, *, method: str, target: str, version: str, fields: Mapping[str, Sequence[str]], size_bytes: int
    ) -> "Head":
        """Of what the connection has read.

        Args:
            method: of the request line.
            target: of the request line.
            version: of the request line, such as ``HTTP/1.1``.
            fields: see the attribute.
            size_bytes: of the whole head.
        """
        absolute = None if target.startswith("/") else _ABSOLUTE_FORM.match(target)
        path, _, query = (target[absolute.end() :] if absolute else target).partition("?")
        is_http_10 = version == "HTTP/1.0"
        lengths = fields.get("content-length", ())
        is_framed = _is_framed(fields, lengths, is_http_10=is_http_10)
        length = int(lengths[0]) if lengths and is_framed else None
        content_types = fields.get("content-type")
        content_type = _text(content_types[0]) if content_types else None
        problem = (
            _line_problem(method, target, version, is_absolute=bool(absolute))
            or _size_problem(fields, size_bytes)
            or (None if is_framed else RequestMalformedError("where the body ends is not clear"))
            or (
                None if is_http_10 or _has_host(fields) else RequestMalformedError("the request does not name one host")
            )
        )
        return cls(
            method=method,
            path=path or ("/" if absolute else ""),
            query=query,
            fields=fields,
            content_type=content_type,
            may_be_form=content_type is not None and "multipart/form-data" in content_type.lower(),
            content_length=length,
            expects_continue=not is_http_10
            and [value.lower() for value in fields.get("expect", ())] == ["100-continue"],
            client_id=_client_id(fields),
            is_http_10=is_http_10,
            is_persistent=_is_persistent(fields.get("connection", ()), is_http_10=is_http_10),
            has_body=bool(length) or not is_framed or "transfer-encoding" in fields,
            problem=problem,
        )

    @classmethod
    def unread(cls) -> "Head":
        """Stands for one that could not be read."""
        return cls(
            method="-",
            path="-",
            query="",
            fields={},
            content_type=None,
            may_be_form=False,
            content_length=None,
            expects_continue=False,
            client_id="",
            is_http_10=False,
            is_persistent=False,
            has_body=True,
            problem=None,
        )

    def visible_headers(self, hidden: frozenset[str]) -> Headers:
        """(lower-case name, values) sorted by name, without the `hidden` ones."""
        visible = self._visible.get(hidden)
        if visible is None:
            shown = [item for item in sorted(self.fields.items()) if item[0] not in hidden]
            # A head that is known comes again and again.
            visible = self._visible[hidden] = tuple((name, tuple(map(_text, values))) for name, values in shown)
        return visible


def _line_problem(method: str, target: str, version: str, *, is_absolute: bool) -> RequestError | None:
    if version not in _VERSIONS:
        return VersionUnsupportedError("the server speaks HTTP/1.1 and HTTP/1.0")
    if len(target) > TARGET_LIMIT_BYTES:
        return TargetTooLongError(
            f"the request target is longer than {TARGET_LIMIT_BYTES} bytes", fields={"limit_bytes": TARGET_LIMIT_BYTES}
        )
    if not (is_absolute or target.startswith("/") or method in _OTHER_FORMS):
        return RequestMalformedError("the request target is neither a path nor a URL")
    return None


def _size_problem(fields: Mapping[str, Sequence[str]], size_bytes: int) -> RequestError | None:
    if size_bytes > HEAD_LIMIT_BYTES:
        return head_too_large()
    if len(fields) > FIELD_LIMIT or sum(map(len, fields.values())) > FIELD_LIMIT:
        return HeadTooLargeError(
            f"the request has more than {FIELD_LIMIT} header fields", fields={"limit_fields": FIELD_LIMIT}
        )
    return None


def head_too_large() -> HeadTooLargeError:
    """The error for a head above `HEAD_LIMIT_BYTES`."""
    return HeadTooLargeError(
        f"the head of the request is larger than {HEAD_LIMIT_BYTES} bytes", fields={"limit_bytes": HEAD_LIMIT_BYTES}
    )


def _is_framed(fields: Mapping[str, Sequence[str]], lengths: Sequence[str], *, is_http_10: bool) -> bool:
    """Whether the end of the body can be found: one usable length, or chunks, not both."""
    codings = fields.get("transfer-encoding")
    if codings:
        # RFC 9112, 6.1: HTTP/1.0 has no chunks; what a proxy made of them is not known.
        return not lengths and not is_http_10 and [coding.lower() for coding in codings] == ["chunked"]
    return all(_LENGTH.fullmatch(length) and length == lengths[0] for length in lengths)


def _is_persistent(options: Sequence[str], *, is_http_10: bool) -> bool:
    if not options:
        return not is_http_10
    words = {word.strip().lower() for option in options for word in option.split(",")}
    return "close" not in words and (not is_http_10 or "keep-alive" in words)


def _has_host(fields: Mapping[str, Sequence[str]]) -> bool:
    hosts = fields.get("host", ())
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


def _client_id(fields: Mapping[str, Sequence[str]]) -> str:
    for name in _REQUEST_ID_HEADERS:
        values = fields.get(name)
        if values and _REQUEST_ID.fullmatch(values[0]):
            return values[0]
    return ""


def _text(value: str) -> str:
    """A header value as text: its octets are UTF-8, and what is not becomes U+FFFD, as in the original."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")
