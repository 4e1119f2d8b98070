"""JSON in the worker, with the types that handlers return beside the built-in ones.

====================================================  ==========================================
value                                                 JSON
====================================================  ==========================================
datetime, date, time                                  ISO 8601 text
numpy and torch arrays and scalars (`tolist`)         nested arrays, numbers, booleans
Decimal                                               number
UUID, pathlib paths                                   text
bytes, bytearray, memoryview                          base64 text (RFC 4648)
Enum                                                  its value
set, frozenset, deque, ranges, dict views             array (sets sorted where they can be)
mappings that are not dicts                           object
====================================================  ==========================================

Text is ASCII with escapes, keys keep their order, and NaN and Infinity are written as Python
writes them, all as in the original.
"""

import base64
import collections
import collections.abc
import datetime
import enum
import json
import sys
from typing import Any, Callable, Iterable, List, Tuple, Type


class Encoder(object):
    """Encodes one answer's elements as JSON documents separated by newlines.

    Args:
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, media_type: str) -> None:
        pass

    def claims(self, content: Any) -> bool:
        """An array is one value, whereas any other iterable is a stream of elements.

        An array of one element is left out: the original sent its bare element.
        """
        # A dict is what is asked about most often; numpy's text scalars are text.
        if type(content) is dict or isinstance(content, str):
            return False
        return hasattr(content, "tolist") and getattr(content, "ndim", None) is not None and _is_whole(content)

    def accepts(self, value: Any) -> bool:
        """Any value may have a JSON form."""
        return True

    def encode(self, value: Any, *, is_first: bool) -> Iterable[bytes]:
        """One JSON document, after a newline unless it is the answer's first element.

        Raises:
            TypeError: the value has no JSON form.
            ValueError: it contains itself.
        """
        try:
            text = _dumps(value).encode("ascii")
        except TypeError:
            # numpy's integers are no keys to `json`, although they are numbers everywhere else.
            text = _dumps(_with_plain_keys(value)).encode("ascii")
        return (text if is_first else b"\n" + text,)


def _with_plain_keys(value: Any) -> Any:
    """`value` with the keys of its dicts as Python's own types."""
    if isinstance(value, dict):
        return {getattr(key, "tolist", lambda key=key: key)(): _with_plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_plain_keys(item) for item in value]
    return value


def _is_whole(array: Any) -> bool:
    size = getattr(array, "size", None)
    return array.ndim == 0 or not isinstance(size, int) or size > 1


def _array(values: Iterable[Any]) -> List[Any]:
    return list(values)


def _sorted_array(values: Iterable[Any]) -> List[Any]:
    elements = list(values)
    try:
        return sorted(elements)
    except TypeError:
        return elements


def _number(value: Any) -> Any:
    return (
        int(value)
        if value.is_finite() and value == value.to_integral_value() and value.as_tuple()[2] == 0
        else float(value)
    )


def _loaded(module: str, name: str) -> Tuple[Any, ...]:
    """The class, in a tuple; an empty one if nobody has imported its module, for then no value is of it.

    Importing these modules is a good part of a worker's start (`uuid` of 3.6 even runs programs).
    """
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


_Conversions = Tuple[Tuple[Any, Callable[[Any], Any]], ...]

_DATES = (datetime.datetime, datetime.date, datetime.time)
_CONVERSIONS: _Conversions = (
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    (enum.Enum, lambda value: value.value),
    ((set, frozenset), _sorted_array),
    (collections.abc.Mapping, dict),
    ((collections.deque, range, collections.abc.MappingView), _array),
)


def _convert(value: Any) -> Any:
    tolist = getattr(value, "tolist", None)
    if callable(tolist) and not isinstance(value, (type, memoryview)):
        converted = tolist()
        # numpy's long double has no other Python form than itself.
        return float(converted) if type(converted) is type(value) else converted
    for types, conversion in _all_conversions():
        if isinstance(value, types):
            return conversion(value)
    return _by_the_module(value)


def _all_conversions() -> _Conversions:
    return (
        (_DATES, lambda value: value.isoformat()),
        (_loaded("decimal", "Decimal"), _number),
        (_loaded("uuid", "UUID") + _loaded("pathlib", "PurePath"), str),
        *_CONVERSIONS,
    )


def _by_the_module(value: Any) -> Any:
    """What `json` makes of it: nothing, unless the handler has taught its encoder more types."""
    try:
        return json.JSONEncoder().default(value)
    except TypeError:
        raise TypeError("a %s cannot be written as JSON: %.100r" % (_name(type(value)), value)) from None


def _name(kind: Type[Any]) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__name__)


_ENCODER = json.JSONEncoder(default=_convert)
_ITERENCODE = json.JSONEncoder.iterencode
_parts: Any = json.encoder


def _dumps(value: Any) -> str:
    """`_ENCODER.encode(value)` without what that prepares anew each time for its part in Python."""
    make = _parts.c_make_encoder
    # A handler may have changed how `json` writes: numbers, for example, can only be changed in Python.
    if make is None or json.JSONEncoder.iterencode is not _ITERENCODE:
        return _ENCODER.encode(value)
    # Neither indented nor sorted, no key skipped, NaN allowed: by position as in `json` itself, for names take longer.
    encode = make({}, _convert, _parts.encode_basestring_ascii, None, ": ", ", ", False, False, True)  # noqa: FBT003
    return "".join(encode(value, 0))
