"""The deliberate differences as rules: each one rewrites a reply into what it now means.

A row holds if our answer to a reply is the original's answer to what the row makes of it: bytes as content are one
element, a set is an array, a status that nobody can send is a refusal.
"""

import base64
import decimal
import json
from collections.abc import Callable
from typing import Any

from attrs import frozen

from compat.generated.made import Made, made
from compat.generated.places import CSV, Place, Rule, is_pairs, with_content
from compat.generated.returning import build

# No dict: both refuse it.
REFUSED = "refused"

# Elements that are no JSON.
_AS_THEY_ARE = ("csv_row", "json_text", "memoryview", "numbers", "text_enum_member")


@frozen(kw_only=True)
class Row:
    """One deliberate difference.

    Attributes:
        name: unique.
        documented: the words of compatibility.md, in the first column of a table.
        plain: the reply that ours treats the reply as; the same one if the row is not about it.
        example: a reply that no other row is about.
    """

    name: str
    documented: str
    plain: Callable[[Any], Any]
    example: object


def explanation(reply: object) -> tuple[tuple[str, ...], object]:
    """The names of the rows that are about a reply, and the reply that they make of it together."""
    names: dict[str, None] = {}
    while True:
        before = ascii(reply)
        for row in ROWS:
            plain = row.plain(reply)
            # As text, where 1 is not True and one NaN is another.
            if ascii(plain) != ascii(reply):
                names[row.name] = None
                reply = plain
        # Again, as one row may uncover what another is about.
        if ascii(reply) == before:
            return tuple(names), reply


def _of_content(rule: Rule) -> Callable[[Any], Any]:
    return lambda reply: with_content(reply, rule) if isinstance(reply, dict) else reply


def _is(value: object, *makers: str) -> bool:
    return isinstance(value, Made) and value.maker in makers


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes | bytearray) or _is(value, "memoryview")


def _bytes_as_content(value: Any, place: Place, _: str) -> Any:
    return [bytes(build(ascii(value)))] if place is Place.CONTENT and _is_bytes(value) else value


def _memoryview_as_element(value: Any, place: Place, _: str) -> Any:
    return value.arguments[0] if place is Place.ELEMENT and _is(value, "memoryview") else value


def _refilled(value: Any, place: Place, _: str) -> Any:
    return list(value.arguments[0]) if place is Place.CONTENT and _is(value, "refilled_generator") else value


def _async_generator(value: Any, place: Place, _: str) -> Any:
    return made("generator", *value.arguments) if place is Place.CONTENT and _is(value, "async_generator") else value


def _array_as_content(value: Any, place: Place, media_type: str) -> Any:
    if place is not Place.CONTENT or not _is(value, "ndarray"):
        return value
    array = build(ascii(value))
    may_be_image = media_type.startswith("image/") and (array.ndim > 1 or array.dtype.name == "uint8")
    return [made("json_text", value)] if array.size > 1 and not may_be_image else value


def _empty_array(value: Any, place: Place, _: str) -> Any:
    return [] if place is Place.CONTENT and _is(value, "ndarray") and build(ascii(value)).size == 0 else value


def _array_as_image(value: Any, place: Place, media_type: str) -> Any:
    if place is Place.CONTENT and _is(value, "ndarray") and media_type.startswith("image/"):
        array = build(ascii(value))
        return [array.tobytes()] if array.ndim == 1 and array.size > 1 and array.dtype.name == "uint8" else value
    return value


def _row_of_csv(value: Any, place: Place, media_type: str) -> Any:
    is_row = place is Place.ELEMENT and media_type == CSV and isinstance(value, list | tuple)
    return made("csv_row", value) if is_row else value


def _value_in_csv(value: Any, place: Place, media_type: str) -> Any:
    is_as_it_is = isinstance(value, str | bytes | bytearray | list) or _is(value, *_AS_THEY_ARE)
    return made("json_text", value) if place is Place.ELEMENT and media_type == CSV and not is_as_it_is else value


def _list_of_sequences(value: Any, place: Place, _: str) -> Any:
    is_array = place is Place.ELEMENT and isinstance(value, list) and not is_pairs(value)
    return tuple(value) if is_array else value


def _in_json(convert: Callable[[Any], Any], *makers: str) -> Callable[[Any], Any]:
    """The row that values of `makers` in JSON are what `convert` makes of them."""

    def rule(value: Any, place: Place, _: str) -> Any:
        if place not in (Place.ELEMENT, Place.INSIDE) or not _is(value, *makers):
            return value
        plain = convert(build(ascii(value)))
        # Text is never quoted if it is an element of its own.
        return json.dumps(plain) if place is Place.ELEMENT and isinstance(plain, str) else plain

    return _of_content(rule)


def _number(value: decimal.Decimal) -> float:
    return int(value) if value.as_tuple().exponent == 0 else float(value)


def _numpy_boolean(value: Any, place: Place, _: str) -> Any:
    if place is Place.CONTENT and _is(value, "ndarray") and value.arguments[1] == "bool":
        array = build(ascii(value))
        return array.tolist() if array.size == 1 else value
    is_boolean = place in (Place.ELEMENT, Place.INSIDE) and _is(value, "scalar") and value.arguments[1] == "bool"
    return bool(value.arguments[0]) if is_boolean else value


def _array_of_numbers(value: Any, place: Place, _: str) -> Any:
    return tuple(value.arguments[0]) if place is Place.INSIDE and _is(value, "numbers") else value


def _numpy_key(value: Any, place: Place, _: str) -> Any:
    return build(ascii(value)).item() if place is Place.KEY and _is(value, "scalar") else value


def _base64(value: Any, place: Place, _: str) -> Any:
    if place is Place.INSIDE and _is_bytes(value):
        return base64.b64encode(build(ascii(value))).decode()
    return value


def _set(value: Any, place: Place, _: str) -> Any:
    is_array = place in (Place.ELEMENT, Place.INSIDE) and isinstance(value, set | frozenset)
    return tuple(sorted(value)) if is_array else value


def _array_like(value: Any, place: Place, _: str) -> Any:
    if place not in (Place.ELEMENT, Place.INSIDE) or not _is(value, "deque", "range", "keys", "values"):
        return value
    [held] = value.arguments
    if value.maker == "values":
        return tuple(held.values())
    return tuple(range(held)) if value.maker == "range" else tuple(held)


def _mapping(value: Any, place: Place, _: str) -> Any:
    return value.arguments[0] if place in (Place.ELEMENT, Place.INSIDE) and _is(value, "UserDict") else value


def _of_field(name: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The row that the field `name` of a reply means what `convert` makes of it."""

    def plain(reply: Any) -> Any:
        if isinstance(reply, Made) and reply.maker == "OrderedDict":
            return made(reply.maker, plain(reply.arguments[0]))
        return {**reply, name: convert(reply[name])} if isinstance(reply, dict) and name in reply else reply

    return plain


def _integer(status: Any) -> Any:
    return int(build(ascii(status))) if _is(status, "scalar") and "int" in status.arguments[1] else status


def _refused_status(reply: Any) -> Any:
    fields = reply.arguments[0] if _is(reply, "OrderedDict") else reply
    status = fields.get("status_code") if isinstance(fields, dict) else None
    is_integer = status is None or type(status) is int or _is(status, "HTTPStatus", "scalar")
    return reply if is_integer or (isinstance(status, float) and status.is_integer()) else REFUSED


def _with_texts(metadata: Any) -> Any:
    if _is(metadata, "OrderedDict", "UserDict"):
        return made(metadata.maker, _with_texts(metadata.arguments[0]))
    return {name: _text(value) for name, value in metadata.items()} if isinstance(metadata, dict) else metadata


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str) or _is(value, "text_enum_member", "str"):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else made("str", value)


ROWS: tuple[Row, ...] = (
    Row(
        name="coroutine",
        documented="an `async def` handler: 500",
        plain=lambda reply: reply.arguments[0] if _is(reply, "coroutine") else reply,
        example=made("coroutine", {"content": "x"}),
    ),
    Row(
        name="bytes-as-content",
        documented="`bytes`, `bytearray` or `memoryview` as content comes out as decimal numbers",
        plain=_of_content(_bytes_as_content),
        example={"content": b"ab"},
    ),
    Row(
        name="memoryview-as-element",
        documented="a `memoryview` as an element: 500",
        plain=_of_content(_memoryview_as_element),
        example={"content": ["a", made("memoryview", b"b")]},
    ),
    Row(
        name="refilled-buffer",
        documented="a generator is collected before the answer begins",
        plain=_of_content(_refilled),
        example={"content": made("refilled_generator", [b"ab", b"cd"])},
    ),
    Row(
        name="async-generator",
        documented="an asynchronous generator as content: 500",
        plain=_of_content(_async_generator),
        example={"content": made("async_generator", ["a", {"b": 1}])},
    ),
    Row(
        name="array-as-content",
        documented="a numpy array of several elements as content: 500",
        plain=_of_content(_array_as_content),
        example={"content": made("ndarray", [[1, 2], [3, 4]], "float32")},
    ),
    Row(
        name="empty-array",
        documented="an empty numpy array as content, with numpy 2.2 and later: 500",
        plain=_of_content(_empty_array),
        example={"content": made("ndarray", [], "float32")},
    ),
    Row(
        name="array-as-image",
        documented="a numpy array or PIL image with content type `image/*`: 500",
        plain=_of_content(_array_as_image),
        example={"content_type": "image/jpeg", "content": made("ndarray", [255, 216], "uint8")},
    ),
    Row(
        name="csv-row",
        documented="lists and tuples as rows of `text/csv`: 500",
        plain=_of_content(_row_of_csv),
        example={"content_type": "text/csv", "content": [[1, "a,b"], ("c", None)]},
    ),
    Row(
        name="csv-value",
        documented="numbers and other values that are no rows of `text/csv`: 500",
        plain=_of_content(_value_in_csv),
        example={"content_type": "text/csv", "content": [{"a": 1}, 5, None]},
    ),
    Row(
        name="list-of-sequences",
        documented="an element that is a list of sequences whose length is not two",
        plain=_of_content(_list_of_sequences),
        example={"content": [[[1, 2, 3, 4], [5, 6, 7, 8]]]},
    ),
    Row(
        name="json-numpy-boolean",
        documented="numpy booleans, other numpy scalars, torch tensors",
        plain=_of_content(_numpy_boolean),
        example={"content": {"a": made("scalar", 1, "bool")}},
    ),
    Row(
        name="json-array",
        documented="`array.array`",
        plain=_of_content(_array_of_numbers),
        example={"content": {"a": made("numbers", [1, 2])}},
    ),
    Row(
        name="json-numpy-key",
        documented="numpy numbers and booleans as keys",
        plain=_of_content(_numpy_key),
        example={"content": {made("scalar", 1, "int64"): "a"}},
    ),
    Row(
        name="json-date",
        documented="`date`, `time`",
        plain=_in_json(lambda value: value.isoformat(), "date", "time"),
        example={"content": {"a": made("date", 2019, 4, 1)}},
    ),
    Row(
        name="json-decimal",
        documented="`Decimal`",
        plain=_in_json(_number, "Decimal"),
        example={"content": {"a": made("Decimal", "1.5")}},
    ),
    Row(
        name="json-text",
        documented="`UUID`, `pathlib` paths",
        plain=_in_json(str, "UUID", "PurePosixPath"),
        example={"content": {"a": made("PurePosixPath", "/a")}},
    ),
    Row(
        name="json-base64",
        documented="`bytes`, `bytearray`, `memoryview`",
        plain=_of_content(_base64),
        example={"content": {"a": b"x"}},
    ),
    Row(
        name="json-enum",
        documented="`Enum`",
        plain=_in_json(lambda value: value.value, "enum_member"),
        example={"content": {"a": made("enum_member", 5)}},
    ),
    Row(
        name="json-set",
        documented="`set`, `frozenset`",
        plain=_of_content(_set),
        example={"content": {"a": {3, 1, 2}}},
    ),
    Row(
        name="json-array-like",
        documented="`deque`, `range`, views of mappings",
        plain=_of_content(_array_like),
        example={"content": {"a": made("range", 3)}},
    ),
    Row(
        name="json-mapping",
        documented="mapping other than `dict`",
        plain=_of_content(_mapping),
        example={"content": {"a": made("UserDict", {"b": 1})}},
    ),
    Row(
        name="status-of-another-type",
        documented="a status of another integer type",
        plain=_of_field("status_code", _integer),
        example={"status_code": made("scalar", 120, "int64")},
    ),
    Row(
        name="status-refused",
        documented="a status outside 200 to 599, or one that is no integer",
        plain=_refused_status,
        example={"status_code": "200"},
    ),
    Row(
        name="metadata-text",
        documented="header values in `metadata` that are not text",
        plain=_of_field("metadata", _with_texts),
        example={"metadata": {"x-a": b"\xe9"}},
    ),
    Row(
        name="metadata-mapping",
        documented="`metadata` that is a mapping other than `dict`",
        plain=_of_field("metadata", lambda value: value.arguments[0] if _is(value, "UserDict") else value),
        example={"metadata": made("UserDict", {"x-a": "1"})},
    ),
)
