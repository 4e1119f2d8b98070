"""Strategies for what a handler returns."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from compat.generated.made import Made, made

_TEXTS = st.one_of(
    st.text(max_size=4),
    st.sampled_from(["ab", "a,b", 'a"b', "a\r\nb", "\ud800", "", "日本", "é"]),
    st.text("ab,", max_size=3),
)
_BYTES = st.binary(max_size=4)
_INTEGERS = st.integers(-3, 300) | st.integers()
_PLAIN: SearchStrategy[object] = st.one_of(st.none(), st.booleans(), _INTEGERS, st.floats(), _TEXTS)
_NUMBERS = ("int8", "uint8", "int64", "float32", "float64", "bool")


def _arrays(sizes: SearchStrategy[int]) -> SearchStrategy[Made]:
    numbers = sizes.flatmap(lambda size: st.lists(st.integers(0, 100), min_size=size, max_size=size))
    rows = st.lists(st.lists(st.integers(0, 100), min_size=2, max_size=2), min_size=1, max_size=3)
    return st.builds(made, st.just("ndarray"), numbers | rows, st.sampled_from(_NUMBERS))


def _of(maker: str, *arguments: SearchStrategy[object]) -> SearchStrategy[Made]:
    return st.builds(made, st.just(maker), *arguments)


_SPECIAL: SearchStrategy[object] = st.one_of(
    _BYTES,
    _BYTES.map(bytearray),
    _of("memoryview", _BYTES),
    _of("Decimal", st.sampled_from(["1", "1.5", "-0.0", "1E+2", "NaN", "Infinity", "100000000000000000000"])),
    _of("UUID", st.uuids().map(str)),
    _of("PurePosixPath", st.sampled_from(["/a/b", "."])),
    _of("date", st.integers(1, 3000), st.integers(1, 12), st.integers(1, 28)),
    _of("time", st.integers(0, 23), st.integers(0, 59)),
    _of("datetime", st.integers(1, 3000), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23)),
    _of("scalar", st.integers(0, 100), st.sampled_from(_NUMBERS)),
    _of("enum_member", st.integers() | _TEXTS),
    _of("int_enum_member", st.integers(0, 5)),
    _of("text_enum_member", _TEXTS),
    _of("numbers", st.lists(st.integers(0, 100), max_size=3)),
    _of("opaque"),
    _of("range", st.integers(0, 4)),
    _of("complex", st.integers(0, 4)),
    _arrays(st.integers(0, 3)),
    st.sets(st.integers(0, 20), max_size=3),
    st.frozensets(st.sampled_from(["a", "bc", "def"]), max_size=3),
)
_LEAVES = st.one_of(_PLAIN, _PLAIN, _SPECIAL)
_KEYS: SearchStrategy[object] = st.one_of(
    _TEXTS, _TEXTS, st.none(), st.booleans(), _INTEGERS, st.floats(), _BYTES,
    st.tuples(st.integers(0, 9)), _of("scalar", st.integers(0, 100), st.sampled_from(_NUMBERS)),
)  # fmt: skip


def _containers(values: SearchStrategy[object]) -> SearchStrategy[object]:
    objects = st.dictionaries(_KEYS, values, max_size=3)
    arrays = st.lists(values, max_size=3)
    return st.one_of(
        objects,
        st.dictionaries(_TEXTS, values, max_size=3),
        arrays,
        arrays.map(tuple),
        st.lists(st.tuples(_TEXTS, values) | st.tuples(_KEYS, values).map(list), max_size=3),
        st.lists(st.lists(values, min_size=2, max_size=4), max_size=3),
        _of("UserDict", st.dictionaries(_TEXTS, values, max_size=2)),
        _of("OrderedDict", st.dictionaries(_TEXTS, values, max_size=2)),
        _of("deque", arrays),
        _of("values", st.dictionaries(_TEXTS, values, max_size=2)),
        _of("keys", st.dictionaries(_TEXTS, values, max_size=2)),
    )


#: Anything that may stand in an element of a content.
VALUES: SearchStrategy[object] = st.recursive(_LEAVES, _containers, max_leaves=6)

_ELEMENTS = st.lists(VALUES, max_size=4)
_ROW_NAMES = st.sampled_from(["a", "b", "c", 1])
_ROWS = st.lists(
    st.dictionaries(_ROW_NAMES, _LEAVES, max_size=3)
    | st.tuples(_LEAVES, _LEAVES).map(lambda cells: {"a": cells[0], "b": cells[1]})
    | st.lists(_LEAVES, max_size=3)
    | st.tuples(_PLAIN, _PLAIN, _PLAIN)
    | _TEXTS,
    max_size=4,
)
_LAZY = ("generator", "iterator", "failing_generator", "async_generator")
CONTENTS: SearchStrategy[object] = st.one_of(
    VALUES,
    _ELEMENTS,
    _ROWS,
    st.one_of([_of(name, _ELEMENTS | _ROWS) for name in _LAZY]),
    _of("generator", st.lists(_BYTES | _TEXTS, max_size=4)),
    _of("refilled_generator", st.lists(_BYTES, max_size=3)),
    _of("BytesIO", st.binary(max_size=9) | st.sampled_from([b"a\nb\n", b"\n\n", b"\xff" * 9000])),
    _of("StringIO", st.sampled_from(["", "a", "a\nb\n", "\n\n", "é\r\nx"])),
    _SPECIAL,
)

CONTENT_TYPES: SearchStrategy[object] = st.one_of(
    st.sampled_from([
        "application/json", "Application/JSON; charset=utf-8", "text/plain", "text/plain; charset=Shift_JIS",
        "text/csv", "TEXT/CSV", " text/csv ; header=present", "text/csv;", "text/csv2", '"text/csv"',
        "image/jpeg", "IMAGE/PNG", "image/svg+xml", "application/octet-stream", "multipart/form-data; boundary=x",
    ]),
    _of("text_enum_member", st.sampled_from(["text/csv", "application/json", ""])),
    st.sampled_from(["", " ", "\u3000", None, 5, b"text/plain", ";", "text", "é/日本", "\ud800", "a\r\nb"]),
    st.text(max_size=6),
)  # fmt: skip
STATUSES: SearchStrategy[object] = st.one_of(
    st.integers(200, 599),
    st.sampled_from([0, -1, 100, 199, 600, 999, 1000, 10**20, None, True, False, "200", 200.0, 200.5, b"200", [200]]),
    st.floats(),
    _of("HTTPStatus", st.sampled_from([200, 204, 400, 404, 500])),
    _of("scalar", st.integers(0, 120), st.sampled_from(_NUMBERS)),
)
_NAMES: SearchStrategy[object] = st.one_of(
    _of("text_enum_member", st.sampled_from(["x-b", "X-C"])),
    st.sampled_from(["x-a", "X-A", "Content-Type", "content-length", "Set-Cookie", "x-é", "a b", "", "a\nb"]),
    st.sampled_from([1, 1.0, None, True, float("inf")]),
    st.text(max_size=3),
)
_HEADER_VALUES = st.one_of(
    _TEXTS,
    _TEXTS,
    _PLAIN,
    _BYTES,
    _of("Decimal", st.just("1.50")),
    _of("text_enum_member", _TEXTS),
    st.lists(_PLAIN, max_size=2),
    st.tuples(_PLAIN),
)
METADATA: SearchStrategy[object] = st.one_of(
    st.dictionaries(_NAMES, _TEXTS, max_size=3),
    st.dictionaries(_NAMES, _HEADER_VALUES, max_size=3),
    st.sampled_from([None, {}, [], "", (), 0, "x-a: 1", [("x-a", "1")], 5, {1}, made("ndarray", [1], "int8")]),
    _of("UserDict", st.dictionaries(_NAMES, _TEXTS, max_size=2)),
    _of("OrderedDict", st.dictionaries(_NAMES, _TEXTS, max_size=2)),
)


def contents() -> SearchStrategy[object]:
    """Replies that are about the body; not all of them are reproducible."""
    types = st.sampled_from(["application/json", "text/plain", "text/csv", "text/csv", "image/jpeg"]) | CONTENT_TYPES
    return st.fixed_dictionaries({"content_type": types, "content": CONTENTS})


def is_reproducible(reply: object) -> bool:
    """Whether no address can be in the answer: CSV shows the repr of what is in a cell."""
    text = ascii(reply).lower()
    return "memoryview" not in text or "text/csv" not in text


def heads() -> SearchStrategy[object]:
    """Replies that are about status, content type and headers, and those that are none."""
    head: dict[object, SearchStrategy[object]] = {
        "content_type": CONTENT_TYPES, "status_code": STATUSES, "metadata": METADATA,
        "content": _TEXTS, "headers": _PLAIN, 1: _PLAIN,
    }  # fmt: skip
    some = st.fixed_dictionaries({}, optional=head)
    one = st.one_of([st.fixed_dictionaries({name: strategy}) for name, strategy in head.items()])
    replies = some | one
    return st.one_of(
        replies,
        replies,
        _of("OrderedDict", replies),
        _of("UserDict", replies),
        _of("coroutine", replies),
        _of("generator", _ELEMENTS),
        VALUES,
    )
