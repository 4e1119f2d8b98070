"""What HTTP can carry of a handler's answer, and the answers of our own."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from abeja.runtime.engine import AnswerHead
from abeja.runtime.errors import AnswerInvalidError, RequestError
from abeja.runtime.messages import Body, Response

REQUEST_ID_HEADER = "X-Request-Id"
VERSION_HEADER = "x-abeja-sys-meta-runtime-version"

# RFC 9110, 5.6.2: a field name is a token.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
# RFC 9110, 5.5: no controls but the tab, no surrogates (they have no UTF-8).
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
# Framing and hop-by-hop fields (RFC 9110, 7.6.1) are the server's own, and so is Content-Type,
# which the handler has a field for.
_DROPPED = frozenset(
    ("connection", "content-length", "content-type", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
_DROPPED_PREFIX = "proxy-"
# No client reads more.
_HEADERS_LIMIT = 64 * 1024
_STATUS_MIN, _STATUS_MAX = 200, 599


def handler_response(head: AnswerHead, body: Body | None, *, own_headers: Iterable[tuple[str, str]]) -> Response:
    """The response for a handler's answer.

    Args:
        head: as the handler gave it.
        body: None if it is streamed.
        own_headers: headers of the server, which win over the handler's of the same name.

    Raises:
        AnswerInvalidError: HTTP cannot carry it; the detail names the field.
    """
    status = head.status
    if not isinstance(status, int) or isinstance(status, bool) or not _STATUS_MIN <= status <= _STATUS_MAX:
        raise _invalid("status_code", f"expected an int from {_STATUS_MIN} to {_STATUS_MAX}, found {status!r}")
    content_type = head.content_type
    if not isinstance(content_type, str) or not is_field_value(content_type) or len(content_type) > _HEADERS_LIMIT:
        raise _invalid("content_type", f"expected text without control characters, found {content_type!r:.200}")
    own = tuple(own_headers)
    taken = {name.lower() for name, _ in own} | _DROPPED
    given = [(name, value) for name, value in _checked(head.headers) if not _is_ours(name, taken)]
    return Response(status=status, headers=(("Content-Type", _trimmed(content_type)), *given, *own), body=body)


def json_body(fields: Mapping[str, object]) -> bytes:
    """The body of an answer of our own: a JSON object."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def json_response(status: int, fields: Mapping[str, object], *, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer of our own."""
    return Response(status=status, headers=(("Content-Type", "application/json"), *headers), body=json_body(fields))


def error_response(error: RequestError, *, request_id: str) -> Response:
    """The answer for an error of our own."""
    fields = {"status": error.message, **error.fields, "request_id": request_id}
    retry = () if error.retry_after_s is None else (("Retry-After", str(error.retry_after_s)),)
    return json_response(error.status, fields, headers=(*error.headers, *retry, (REQUEST_ID_HEADER, request_id)))


def health(*, is_serving: bool) -> tuple[int, dict[str, str]]:
    """Status and fields of the answer to /health_check, as the original's."""
    return (200, {"status": "ok"}) if is_serving else (503, {"status": "service unavailable"})


def is_field_value(text: str) -> bool:
    """Whether HTTP can carry it as a header's value."""
    return not _UNSENDABLE.search(text)


def _checked(headers: Any) -> list[tuple[str, str]]:
    pairs = []
    for pair in headers if isinstance(headers, list) else [headers]:
        if not isinstance(pair, list | tuple) or [type(item) for item in pair] != [str, str]:
            raise _invalid("metadata", f"expected pairs of texts, found {pair!r}")
        name, value = pair
        if not _TOKEN.fullmatch(name):
            raise _invalid("metadata", f"{name!r} is not a header name")
        if _UNSENDABLE.search(value):
            raise _invalid("metadata", f"the value of {name} has control characters: {value!r}")
        pairs.append((name, _trimmed(value)))
    if sum(len(name) + len(value) for name, value in pairs) > _HEADERS_LIMIT:
        raise _invalid("metadata", f"more than {_HEADERS_LIMIT} characters of headers")
    return pairs


def _is_ours(name: str, taken: Collection[str]) -> bool:
    return name.lower() in taken or name.lower().startswith(_DROPPED_PREFIX)


def _trimmed(value: str) -> str:
    """Without the white space around it, which is no part of a field's value (RFC 9110, 5.5)."""
    return value.strip(" \t")


def _invalid(field: str, problem: str) -> AnswerInvalidError:
    return AnswerInvalidError("unexpected error occurred", detail=f"the handler's {field} cannot be sent: {problem}")
