"""Results of a handler, as the reply that the worker sends piece by piece."""

import collections.abc
import contextlib
import itertools
from typing import Any, Dict, Generator, Iterable, Iterator, List, Optional, Tuple

from .datatypes import Response

DEFAULT_CONTENT_TYPE = "application/json"
_NO_RESULT = object()


def reply(results: Iterator[Any], services: Any, opened: contextlib.ExitStack) -> Dict[str, Any]:
    """The reply that streams `results`; the first decides its headers.

    The handler has run up to its first bytes, so what it raises before them is raised here.

    Args:
        results: what the handler yields.
        services: the worker's services for ABIs.
        opened: what is closed with the answer. It is emptied into the reply's body.
    """
    first = next(results, _NO_RESULT)
    content_type, headers = _head(first)
    series = () if first is _NO_RESULT else itertools.chain((first,), results)
    pieces = opened.enter_context(contextlib.closing(_Encoding(content_type, services).pieces(series)))
    first_piece = next(pieces, b"")
    return {
        "status": 200,
        "content_type": content_type,
        "headers": headers,
        "body": _Body(itertools.chain((first_piece,), pieces), opened.pop_all()),
        "streamed": True,
    }


def _head(result: Any) -> Tuple[str, List[Tuple[str, str]]]:
    metadata = result.metadata if isinstance(result, Response) else []
    types = _content_types(result)
    if types and not types[-1].strip():
        raise ValueError("metadata: the Content-Type is empty")
    headers = [(name, value) for name, value in metadata if name.lower() != "content-type"]
    return types[-1] if types else DEFAULT_CONTENT_TYPE, headers


def _content_types(result: Any) -> List[str]:
    metadata = result.metadata if isinstance(result, Response) else []
    return [value for name, value in metadata if name.lower() == "content-type"]


class _Body(object):
    """Bytes to send, with what is to be closed when nobody wants them any more."""

    def __init__(self, pieces: Iterator[bytes], opened: contextlib.ExitStack) -> None:
        self._pieces = pieces
        self._opened = opened

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Close the handler's generator and the input."""
        self._opened.close()


class _Encoding(object):
    """How the elements of one answer become bytes."""

    def __init__(self, content_type: str, services: Any) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        self._is_json = "json" in media_type.partition("/")[2]
        self._encoders = [encoder(media_type) for encoder in services.encoders]
        self._services = services

    def pieces(self, results: Iterable[Any]) -> Generator[bytes, None, None]:
        """The bytes of all results, as they come."""
        is_first = True
        for result in results:
            # Who names the type of a text has written it in that type, as in `Response([json.dumps(x)], ...)`.
            is_text_final = not self._is_json or bool(_content_types(result))
            for element in self._elements(result):
                is_final = is_text_final and isinstance(element, str)
                for piece in (_text if is_final else self._encode)(element, is_first=is_first):
                    yield piece
                is_first = False

    def _elements(self, result: Any) -> Iterable[Any]:
        if not isinstance(result, Response):
            return (result,)
        contents: Any = result.contents
        if isinstance(contents, collections.abc.AsyncIterable):
            iterated: Iterable[Any] = self._services.iterate(contents)
            return iterated
        is_one = isinstance(contents, (str, collections.abc.Mapping)) or self._claimant(contents) is not None
        if is_one or not isinstance(contents, collections.abc.Iterable):
            return (contents,)
        return contents

    def _encode(self, element: Any, *, is_first: bool) -> Iterable[bytes]:
        encoder = self._claimant(element)
        if encoder is None:
            encoder = next((encoder for encoder in self._encoders if encoder.accepts(element)), None)
        if encoder is None:
            raise TypeError("no encoder of this image version takes a %s" % type(element).__name__)
        pieces: Iterable[bytes] = encoder.encode(element, is_first=is_first)
        return pieces

    def _claimant(self, value: Any) -> Optional[Any]:
        return next((encoder for encoder in self._encoders if encoder.claims(value)), None)


def _text(element: str, *, is_first: bool) -> Iterable[bytes]:
    text = element.encode("utf-8")
    return (text if is_first else b"\n" + text,)
