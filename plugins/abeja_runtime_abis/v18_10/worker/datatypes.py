"""What handlers reach as ``context.datatypes``."""

import collections.abc
from typing import Any, Iterable, List, Optional, Tuple


class Response(object):
    """A result with headers.

    Args:
        contents: the elements of the body: an iterable, or one value that is no series of elements.
        metadata: pairs of a header's name and its value; ``Content-Type`` among them is the
            answer's content type.

    Raises:
        TypeError: `metadata` is anything else.
    """

    def __init__(self, contents: Iterable[Any] = (), metadata: Optional[Iterable[Tuple[str, str]]] = None) -> None:
        self.contents = contents
        self.metadata: List[Tuple[str, str]] = _pairs(metadata)


def _pairs(metadata: Any) -> List[Tuple[str, str]]:
    items = metadata.items() if isinstance(metadata, collections.abc.Mapping) else metadata or ()
    try:
        return [(_text(name), _text(value)) for name, value in items]
    except (TypeError, ValueError):
        raise TypeError(
            "metadata: expected a list of pairs such as [('Content-Type', 'image/jpeg')], found %.200r" % (metadata,)
        ) from None


def _text(value: Any) -> str:
    if value is None:
        raise TypeError
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
