"""Places in a reply: rules that look at its values one by one, and know where each one stands."""

import enum
from collections.abc import Callable
from typing import Any

from compat.generated.made import Made, made
from compat.generated.returning import build

CSV = "text/csv"

#: What holds the elements of a content as its first argument.
ITERABLES = ("generator", "failing_generator", "async_generator", "iterator", "deque", "values")
# A content of these is one element.
_SINGLE = (
    "Decimal", "UUID", "PurePosixPath", "date", "time", "datetime", "scalar", "enum_member", "int_enum_member",
    "text_enum_member", "opaque", "complex", "OrderedDict", "json_text", "csv_row",
)  # fmt: skip
_MAPPINGS = ("OrderedDict", "UserDict")


class Place(enum.Enum):
    """Where a value stands.

    Attributes:
        CONTENT: it is the content.
        ELEMENT: it is one of its elements, or the content if that is no iterable.
        INSIDE: it is in an element, at any depth.
        KEY: it is a key of a mapping there.
    """

    CONTENT = enum.auto()
    ELEMENT = enum.auto()
    INSIDE = enum.auto()
    KEY = enum.auto()


Rule = Callable[[Any, Place, str], Any]


def with_content(reply: dict[Any, Any], rule: Rule) -> dict[Any, Any]:
    """`reply` with each value of its content replaced by what `rule` makes of it, from the outside to the inside.

    Args:
        reply: a dict as handlers return it.
        rule: called with the value, its place and the reply's media type.
    """
    if reply.get("content") is None:
        return reply
    content_type = reply.get("content_type", "text/plain")
    text = build(ascii(content_type))
    media_type = text.partition(";")[0].strip().lower() if isinstance(text, str) else ""
    return {**reply, "content": _content(reply["content"], rule, media_type)}


def _content(content: Any, rule: Rule, media_type: str) -> Any:
    content = rule(content, Place.CONTENT, media_type)
    if isinstance(content, list | tuple):
        return type(content)(_element(element, rule, media_type) for element in content)
    if isinstance(content, Made) and content.maker in ITERABLES:
        [elements] = content.arguments
        if isinstance(elements, dict):
            return made(content.maker, {key: _element(value, rule, media_type) for key, value in elements.items()})
        assert isinstance(elements, list | tuple)
        return made(content.maker, type(elements)(_element(element, rule, media_type) for element in elements))
    if isinstance(content, set | frozenset) or _is_of_numbers(content):
        held = build(ascii(content))
        elements = held.tolist() if hasattr(held, "tolist") else list(held)
        replaced = [_element(element, rule, media_type) for element in elements]
        return content if ascii(replaced) == ascii(elements) else replaced
    is_single = not isinstance(content, Made) or content.maker in _SINGLE
    return _element(content, rule, media_type) if is_single else content


def _is_of_numbers(content: object) -> bool:
    return isinstance(content, Made) and content.maker in ("numbers", "range", "ndarray")


def is_pairs(value: object) -> bool:
    """Whether it is a list that is sent as an object."""
    if not isinstance(value, list):
        return False
    try:
        dict(build(ascii(value)))
    except (TypeError, ValueError):
        return False
    return True


def _element(element: Any, rule: Rule, media_type: str) -> Any:
    is_mapping = isinstance(element, dict) or (isinstance(element, Made) and element.maker in _MAPPINGS)
    if media_type == CSV and (is_mapping or is_pairs(element)):
        # Its cells are what `str` makes of them.
        return element
    if is_pairs(element):
        return [_pair(pair, rule, media_type) for pair in element]
    return _in(rule(element, Place.ELEMENT, media_type), rule, media_type)


def _pair(pair: Any, rule: Rule, media_type: str) -> Any:
    """The key and the value of one that is sent as a member of an object."""
    [held] = pair.arguments if isinstance(pair, Made) and pair.maker in ("deque", "values") else [pair]
    parts = tuple(held.values()) if isinstance(held, dict) and held is not pair else held
    if not isinstance(parts, list | tuple):
        return pair
    key, value = parts
    replaced = (rule(key, Place.KEY, media_type), _in(rule(value, Place.INSIDE, media_type), rule, media_type))
    return pair if ascii(replaced) == ascii((key, value)) else replaced


def _in(value: Any, rule: Rule, media_type: str) -> Any:
    if isinstance(value, dict):
        return {
            rule(key, Place.KEY, media_type): _in(rule(item, Place.INSIDE, media_type), rule, media_type)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_in(rule(item, Place.INSIDE, media_type), rule, media_type) for item in value)
    if isinstance(value, Made) and value.maker in _MAPPINGS:
        return made(value.maker, *(_in(argument, rule, media_type) for argument in value.arguments))
    if isinstance(value, Made) and value.maker == "json_text":
        [held] = value.arguments
        return made(value.maker, _in(rule(held, Place.INSIDE, media_type), rule, media_type))
    return value
