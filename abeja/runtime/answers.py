"""What HTTP can carry of a handler's answer, and the answers of our own."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from abeja.runtime.engine import AnswerHead
from abeja.runtime.errors import AnswerInvalidError, RequestError
from abeja.runtime.messages import Body, Response
from abeja.runtime.worker import sendable

REQUEST_ID_HEADER = "X-Request-Id"
VERSION_HEADER = "x-abeja-sys-meta-runtime-version"


def handler_response(
    head: AnswerHead, body: Body | None, own_headers: tuple[tuple[str, str], ...], request_id: str
) -> Response:
    """The response for a handler's answer.

    Args:
        head: as the handler gave it.
        body: None if it is streamed.
        own_headers: headers of the server, which win over the handler's of the same name.
        request_id: goes out as a header of the server too.

    Raises:
        AnswerInvalidError: HTTP cannot carry it; the detail names the field.
    """
    own = (REQUEST_ID_HEADER, request_id)
    try:
        if head.headers == [] and type(head.status) is int and type(head.content_type) is str:
            headers = (*_plain_headers(head.status, head.content_type, own_headers), own)
        else:
            headers = tuple(sendable.headers_of(head.status, head.content_type, head.headers, (*own_headers, own)))
    except sendable.UnsendableError as error:
        raise AnswerInvalidError("unexpected error occurred", detail=str(error)) from error
    return Response(status=head.status, headers=headers, body=body)


@lru_cache(maxsize=256)
def _plain_headers(
    status: int, content_type: str, own_headers: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Those of an answer without any of the handler's: handlers give the same again and again."""
    return tuple(sendable.headers_of(status, content_type, [], own_headers))


def json_body(fields: Mapping[str, object]) -> bytes:
    """The body of an answer of our own: a JSON object."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def json_response(
    status: int, fields: Mapping[str, object], *, headers: Iterable[tuple[str, str]] = (), error: str = ""
) -> Response:
    """An answer of our own."""
    all_headers = (("Content-Type", "application/json"), *headers)
    return Response(status=status, headers=all_headers, body=json_body(fields), error=error)


def error_response(error: RequestError, *, request_id: str) -> Response:
    """The answer for an error of our own."""
    fields = {"status": error.message, **error.fields, "request_id": request_id}
    retry = () if error.retry_after_s is None else (("Retry-After", str(error.retry_after_s)),)
    headers = (*error.headers, *retry, (REQUEST_ID_HEADER, request_id))
    return json_response(error.status, fields, headers=headers, error=error.slug)


def health(*, is_serving: bool) -> tuple[int, dict[str, str]]:
    """Status and fields of the answer to /health_check, as the original's."""
    return (200, {"status": "ok"}) if is_serving else (503, {"status": "service unavailable"})
