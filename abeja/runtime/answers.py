"""What HTTP can carry of a handler's answer, and the answers of our own."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

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
_STATUS_MIN, _STATUS_MAX = 200, 599


def handler_response(header: dict[str, Any], body: Body | None, *, own_headers: Iterable[tuple[str, str]]) -> Response:
    """The response for the head that a worker sent.

    Args:
        header: of the `response` frame.
        body: None if it is streamed.
        own_headers: headers of the server, which win over the handler's of the same name.

    Raises:
        AnswerInvalidError: HTTP cannot carry it; the detail names the field.
    """
    status = header["status"]
    if not isinstance(status, int) or isinstance(status, bool) or not _STATUS_MIN <= status <= _STATUS_MAX:
        raise _invalid("status_code", f"expected an int from {_STATUS_MIN} to {_STATUS_MAX}, found {status!r}")
    content_type = _trimmed(header["content_type"])
    if not isinstance(content_type, str) or _UNSENDABLE.search(content_type):
        raise _invalid("content_type", f"expected text without control characters, found {content_type!r}")
    own = tuple(own_headers)
    taken = {name.lower() for name, _ in own} | _DROPPED
    given = [(name, _trimmed(value)) for name, value in header["headers"]]
    sent = [(name, value) for name, value in given if _is_sendable(name, value, taken)]
    return Response(status=status, headers=(("Content-Type", content_type), *sent, *own), body=body)


def json_body(fields: Mapping[str, object]) -> bytes:
    """The body of an answer of our own: a JSON object."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def json_response(status: int, fields: Mapping[str, object], *, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer of our own."""
    return Response(status=status, headers=(("Content-Type", "application/json"), *headers), body=json_body(fields))


def error_response(error: RequestError, *, request_id: str) -> Response:
    """The answer for an error of our own."""
    fields = {"status": error.message, **error.fields, "request_id": request_id}
    return json_response(error.status, fields, headers=(*error.headers, (REQUEST_ID_HEADER, request_id)))


def health(*, is_serving: bool) -> tuple[int, dict[str, str]]:
    """Status and fields of the answer to /health_check, as the original's."""
    return (200, {"status": "ok"}) if is_serving else (503, {"status": "service unavailable"})


def _trimmed(value: Any) -> Any:
    """Without the white space around it, which is no part of a field's value (RFC 9110, 5.5)."""
    return value.strip(" \t") if isinstance(value, str) else value


def _is_sendable(name: object, value: object, taken: Iterable[str]) -> bool:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise _invalid("metadata", f"{name!r} is not a header name")
    if not isinstance(value, str) or _UNSENDABLE.search(value):
        raise _invalid("metadata", f"the value of {name} is not text without control characters: {value!r}")
    lowered = name.lower()
    return lowered not in taken and not lowered.startswith(_DROPPED_PREFIX)


def _invalid(field: str, problem: str) -> AnswerInvalidError:
    return AnswerInvalidError("unexpected error occurred", detail=f"the handler's {field} cannot be sent: {problem}")
