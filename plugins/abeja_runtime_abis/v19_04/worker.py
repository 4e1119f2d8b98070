"""The 19.04 handler ABI inside the worker: request and context in, the returned dict out.

Source: the vendor's page "Model handler function FOR 19.04 +"; where it is silent, what the
original runtime was seen to do (compat/vectors/19.04.json).
"""

import collections.abc
import functools
import inspect
import io
import json
import operator
import os
from collections import OrderedDict
from typing import (
    Any,
    BinaryIO,
    Callable,
    Dict,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    List,
    Optional,
    Tuple,
    ValuesView,
    cast,
)

FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"
DEFAULT_CONTENT_TYPE = "text/plain"


class Adapter(object):
    """Calls a 19.04 handler.

    Args:
        function: the user's callable.
        services: the worker's services for ABIs.

    Raises:
        ValueError: `function` cannot be called, is a generator function, or the variable CONTEXT is not a JSON value.
    """

    def __init__(self, function: Callable[..., Any], services: Any) -> None:
        if not callable(function):
            raise ValueError(  # noqa: TRY004 (refused by the contract of Adapter)
                "it is a %s and cannot be called" % type(function).__name__
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ValueError(
                "it is a generator function, as handlers of image version 18.10 are (`--image-version 18.10`)"
            )
        self._function = function
        self._services = services
        # One object for all requests, as handlers may keep things in it.
        self._context = _initial_context()

    def call(self, message: Any) -> Dict[str, Any]:
        """Run the handler on one message; the reply's body is produced while it is iterated.

        Raises:
            TypeError, ValueError: the handler returned something that is not an answer.
            BaseException: whatever the handler raised.
        """
        result = self._function(Request(message), self._context)
        if type(result) is not dict:
            result = self._services.settle(result)
            if not isinstance(result, dict):
                raise TypeError(_wrong_type(result))
        content_type = result.get("content_type", DEFAULT_CONTENT_TYPE)
        media_type = _media_type(content_type) if isinstance(content_type, str) else None
        if media_type is None:
            raise ValueError(
                "content_type: expected a media type such as 'application/json', found %r" % (content_type,)
            )
        body, is_streamed = self._body(result.get("content"), media_type)
        status, metadata = result.get("status_code"), result.get("metadata")
        return {
            "status": 200 if status is None else _status(status),
            "content_type": content_type,
            "headers": [] if metadata is None else _headers(metadata),
            "body": body,
            "streamed": is_streamed,
        }

    def _body(self, content: Any, media_type: str) -> Tuple[Iterable[bytes], bool]:
        if content is None:
            return (), False
        encoders = []
        for encoder_class in self._services.encoders:
            encoder = encoder_class(media_type)
            if encoder.claims(content):
                return encoder.encode(content, is_first=True), False
            encoders.append(encoder)
        # An abstract class is slow to ask, so the most common answer is found without.
        if type(content) is not dict and isinstance(content, collections.abc.AsyncIterable):
            return _encoded(self._services.iterate(content), encoders), True
        if isinstance(content, (dict, str)) or not isinstance(content, collections.abc.Iterable):
            return _encode_element(content, encoders, is_first=True), False
        if _is_empty(content):
            return (), False
        is_streamed = isinstance(content, collections.abc.Iterator) and not isinstance(content, io.IOBase)
        return _encoded(content, encoders), is_streamed


@functools.lru_cache(maxsize=64)
def _media_type(content_type: str) -> Optional[str]:
    """In lower case, without parameters; None if the content type is blank."""
    return content_type.partition(";")[0].strip().lower() if content_type.strip() else None


def _encoded(elements: Iterable[Any], encoders: List[Any]) -> Iterator[bytes]:
    is_first = True
    for element in elements:
        for piece in _encode_element(element, encoders, is_first=is_first):
            yield piece
        is_first = False


def _encode_element(element: Any, encoders: List[Any], *, is_first: bool) -> Iterable[bytes]:
    if isinstance(element, list):
        element = _as_pairs(element)
    if isinstance(element, str):
        # Text is never quoted, whatever the content type: handlers send ready-made JSON so.
        text = element.encode("utf-8")
        return (text if is_first else b"\n" + text,)
    for encoder in encoders:
        if encoder.accepts(element):
            pieces: Iterable[bytes] = encoder.encode(element, is_first=is_first)
            return pieces
    raise TypeError("no encoder of this image version takes a %s in content" % type(element).__name__)


def _as_pairs(element: List[Any]) -> Any:
    """A list of pairs is a mapping, as it was in the original; any other list is itself."""
    try:
        return OrderedDict(element)
    except (TypeError, ValueError):
        return element


def _is_empty(content: Any) -> bool:
    try:
        return not content
    except ValueError:  # numpy refuses the truth of an empty array since 2.2
        return len(content) == 0


def _status(value: Any) -> int:
    """The status as an int; anything that is one in another type (np.int64, HTTPStatus, 200.0) is taken."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError("status_code: expected an int, found %r" % (value,)) from None


def _headers(metadata: Any) -> List[Tuple[str, str]]:
    if not isinstance(metadata, collections.abc.Mapping):
        if not metadata:
            return []
        raise TypeError("metadata: expected a dict of header names and values, found a %s" % type(metadata).__name__)
    return [(_header_name(name), _header_value(value)) for name, value in metadata.items()]


def _header_name(name: Any) -> str:
    """The name as a key in JSON, in which the original wrote its metadata: None is ``null``."""
    try:
        return cast(str, next(iter(json.loads(json.dumps({name: 0})))))
    except TypeError:
        raise TypeError("metadata: expected a header's name as text, found %r" % (name,)) from None


def _header_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # The text itself: `str` of an enum's member is the member's name.
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("latin-1")
    return str(value)


def _wrong_type(result: Any) -> str:
    found = "the handler returned a %s; a handler of ABI 19.04 returns a dict" % type(result).__name__
    if inspect.isgenerator(result):
        return found + " (generators are of image version 18.10: `--image-version 18.10`)"
    return found + " such as {'status_code': 200, 'content_type': 'application/json', 'content': ...}"


def _initial_context() -> Any:
    text = os.environ.get("CONTEXT") or "{}"
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("the environment variable CONTEXT is not JSON: %s" % error) from None


class _Record(collections.abc.Mapping):  # type: ignore[type-arg] # not subscriptable at run time on 3.6
    """A read-only mapping that shows itself as the dict it is made of, as the original's did."""

    _made: Optional[Dict[str, Any]] = None

    @property
    def _values(self) -> Dict[str, Any]:
        """Made when they are first asked for: many handlers only read the body."""
        if self._made is None:
            self._made = self._make_values()
        return self._made

    def _make_values(self) -> Dict[str, Any]:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __str__(self) -> str:
        return str(self._values)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a listed key, else `default`."""
        return self._values.get(key, default)

    def keys(self) -> KeysView[str]:
        """The listed keys."""
        return self._values.keys()

    def values(self) -> ValuesView[Any]:
        """The values of the listed keys."""
        return self._values.values()

    def items(self) -> ItemsView[str, Any]:
        """The listed keys with their values."""
        return self._values.items()


class Content(_Record):
    """One body of a request, a mapping that can be read like a file.

    Keys, in this order: content_type, metadata, body, file_name, form_name.
    """

    def __init__(self, body: BinaryIO, content: Any = None) -> None:
        self._body = body
        self._content = content

    def _make_values(self) -> Dict[str, Any]:
        return {
            "content_type": getattr(self._content, "content_type", None),
            "metadata": getattr(self._content, "metadata", None),
            "body": self._body,
            "file_name": getattr(self._content, "file_name", None),
            "form_name": getattr(self._content, "form_name", None),
        }

    def read(self, size: Optional[int] = -1) -> bytes:
        """Up to `size` bytes from the cursor, all of the rest for -1 or None."""
        return self._body.read(-1 if size is None else size)

    def close(self) -> None:
        """Close the body; later reads raise ValueError."""
        self._body.close()


class Request(_Record):
    """What a 19.04 handler gets as its first argument.

    A mapping with the keys http_method, content_type, headers, http_headers and contents, and a
    file-like object over the body (of a multipart request: over its first part). `metadata`,
    `path` and `query` answer to ``request[...]`` too but are not listed.
    """

    def __init__(self, message: Any) -> None:
        self._message = message
        if message.method == "GET":
            self._content_type = FORM
            self._contents = [Content(message.new_body(message.query.encode("latin-1")))]
        else:
            self._content_type = message.content_type or OCTETS
            self._contents = [Content(content.body, content) for content in message.contents]

    def _make_values(self) -> Dict[str, Any]:
        headers = self._message.headers
        return {
            "http_method": self._message.method,
            "content_type": self._content_type,
            "headers": [{"key": name, "values": values} for name, values in headers],
            "http_headers": HttpHeaders(headers),
            "contents": self._contents,
        }

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        if key == "metadata":
            if not self._contents:
                raise ValueError("no content")
            return self._contents[0]["metadata"]
        return {"path": self._message.path, "query": self._message.query}[key]

    def read(self, size: Optional[int] = -1) -> bytes:
        """Up to `size` bytes of the first content.

        Raises:
            ValueError: the request has no content, or it was closed.
        """
        if not self._contents:
            raise ValueError("no body")
        return self._contents[0].read(size)

    def close(self) -> None:
        """Close every content."""
        for content in self._contents:
            content.close()


class HttpHeaders(collections.abc.Mapping):  # type: ignore[type-arg] # not subscriptable at run time on 3.6
    """The request's headers, looked up without regard to case.

    A missing name is None rather than a KeyError, a repeated one gives its last value, and, as in
    the original, iteration gives (name, value) pairs.
    """

    def __init__(self, headers: Iterable[Tuple[str, List[str]]]) -> None:
        self._pairs = [(name, value) for name, values in headers for value in values]

    def __getitem__(self, key: str) -> Optional[str]:
        values = self.get_all(key)
        return values[-1] if values else None

    def get(self, key: str, default: Any = None) -> Any:
        """The last value of the header `key`, `default` if there is none."""
        value = self[key]
        return default if value is None else value

    def get_all(self, key: str) -> List[str]:
        """All values of the header `key` in their order."""
        wanted = key.lower()
        return [value for name, value in self._pairs if name.lower() == wanted]

    def has_key(self, key: str) -> bool:
        """Whether the header `key` has a value."""
        return self[key] is not None

    def __contains__(self, key: object) -> bool:
        return self.has_key(cast(str, key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def keys(self) -> Iterator[str]:  # type: ignore[override] # a generator, as the original's
        """The names, one for each value."""
        return (name for name, _ in self._pairs)

    def values(self) -> Iterator[str]:  # type: ignore[override] # a generator, as the original's
        """The values in their order."""
        return (value for _, value in self._pairs)

    def items(self) -> Iterator[Tuple[str, str]]:  # type: ignore[override] # a generator, as the original's
        """The (name, value) pairs in their order."""
        return (pair for pair in self._pairs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HttpHeaders):
            return NotImplemented
        return self._lowered() == other._lowered()

    __hash__ = None  # type: ignore[assignment] # unhashable, as mappings are

    def _lowered(self) -> "set[Tuple[str, str]]":
        return {(name.lower(), value) for name, value in self._pairs}
