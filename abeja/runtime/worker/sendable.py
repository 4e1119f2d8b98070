"""What HTTP can carry of a handler's answer: asked by the server, and by tests in the handler's own process."""

import re
from typing import Any, Iterable, List, Tuple

# RFC 9110, 5.6.2: a field name is a token.
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
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

Headers = List[Tuple[str, str]]


class UnsendableError(ValueError):
    """HTTP cannot carry a field of the answer; the message names it."""


def headers_of(status: Any, content_type: Any, headers: Any, own: Iterable[Tuple[str, str]]) -> Headers:
    """The response headers of an answer, Content-Type first.

    Args:
        status: as the handler gave it, as are `content_type` and `headers`.
        content_type: its media type.
        headers: (name, value) pairs.
        own: headers of the server, which win over the handler's of the same name.

    Raises:
        UnsendableError: HTTP cannot carry it.
    """
    if not isinstance(status, int) or isinstance(status, bool) or not _STATUS_MIN <= status <= _STATUS_MAX:
        raise _unsendable("status_code", "expected an int from %d to %d, found %r" % (_STATUS_MIN, _STATUS_MAX, status))
    if not isinstance(content_type, str) or not is_field_value(content_type) or len(content_type) > _HEADERS_LIMIT:
        raise _unsendable("content_type", "expected text without control characters, found %.200r" % (content_type,))
    ours = list(own)
    taken = {name.lower() for name, _ in ours} | _DROPPED
    given = [
        (name, value)
        for name, value in _checked(headers)
        if name.lower() not in taken and not name.lower().startswith(_DROPPED_PREFIX)
    ]
    return [("Content-Type", _trimmed(content_type)), *given, *ours]


def is_field_value(text: str) -> bool:
    """Whether HTTP can carry it as a header's value."""
    return not _UNSENDABLE.search(text)


def _checked(headers: Any) -> Headers:
    pairs = []
    for pair in headers if isinstance(headers, list) else [headers]:
        if not isinstance(pair, (list, tuple)) or [type(item) for item in pair] != [str, str]:
            raise _unsendable("metadata", "expected pairs of texts, found %r" % (pair,))
        name, value = pair
        if not TOKEN.fullmatch(name):
            raise _unsendable("metadata", "%r is not a header name" % name)
        if not is_field_value(value):
            raise _unsendable("metadata", "the value of %s has control characters: %r" % (name, value))
        pairs.append((name, _trimmed(value)))
    if sum(len(name) + len(value) for name, value in pairs) > _HEADERS_LIMIT:
        raise _unsendable("metadata", "more than %d characters of headers" % _HEADERS_LIMIT)
    return pairs


def _trimmed(value: str) -> str:
    """Without the white space around it, which is no part of a field's value (RFC 9110, 5.5)."""
    return value.strip(" \t")


def _unsendable(field: str, problem: str) -> UnsendableError:
    return UnsendableError("the handler's %s cannot be sent: %s" % (field, problem))
