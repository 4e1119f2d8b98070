"""A handler that answers with everything it can see of its request."""

import json
from typing import Any

# Asked for besides the names that are there.
_NAMES = ("Content-Type", "X-NOPE")
_KEYS = ("http_method", "content_type", "metadata", "path", "query", "nope")


def handler(request: Any, context: object) -> dict[str, Any]:  # noqa: ARG001 (the contract of handlers)
    """The report, as JSON."""
    report = {
        "keys": list(request),
        "length": len(request),
        "values": {key: _attempt(request.__getitem__, key) for key in _KEYS},
        "headers": request["headers"],
        "http_headers": _header_report(request["http_headers"]),
        "read": [_attempt(request.read, size) for size in _sizes(request)],
        "contents": [_content_report(content, _sizes(request)) for content in request["contents"]],
        "closed": [_attempt(step) for step in (request.close, request.read, request.close)],
    }
    return {"content_type": "application/json", "content": json.dumps(report)}


def _sizes(request: Any) -> list[int | None]:
    """How much to read at a time: the header X-Sizes, whose first value is JSON."""
    return json.loads(request["http_headers"].get("X-Sizes", "[-1]"))  # type: ignore[no-any-return]


def _header_report(headers: Any) -> dict[str, Any]:
    names = [*_NAMES, *headers.keys(), *(name.upper() for name in headers.keys())]  # noqa: SIM118 (iterates over pairs)
    return {
        "pairs": list(headers),
        "values": list(headers.values()),
        "length": len(headers),
        "by name": [
            (name, headers[name], headers.get(name, 5), headers.get_all(name), name in headers) for name in names
        ],
    }


def _content_report(content: Any, sizes: list[int | None]) -> dict[str, Any]:
    body = content["body"]
    return {
        "keys": list(content),
        "labels": {key: content[key] for key in ("content_type", "metadata", "file_name", "form_name")},
        "read": [_attempt(content.read, size) for size in sizes],
        "position": body.tell(),
        "lines": [repr(line) for line in body],
        "again": [body.seek(0), repr(content.read())],
    }


def _attempt(function: Any, *arguments: object) -> str:
    try:
        return repr(function(*arguments))
    except Exception as error:  # which one it is, is what is compared
        return f"{type(error).__name__}: {error}"
