"""Strategies for requests, as the original's proxy handed them to its worker."""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from compat.pairs import Content, Request

Headers = tuple[tuple[str, tuple[str, ...]], ...]

BOUNDARY = "xYzZY"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
QUERY_TYPE = "application/x-www-form-urlencoded"
SIZES_NAME = "x-sizes"
SECRETS = ("authorization", "proxy-authorization")

_TYPES = st.sampled_from([
    "application/json", "Application/JSON;Charset=utf-8", "text/plain; charset=Shift_JIS", "text/csv", "image/jpeg",
    "application/octet-stream", QUERY_TYPE, "multipart/mixed; boundary=a", "text", "text/plain;", "*/*",
])  # fmt: skip
_SIZES = st.lists(st.sampled_from([-1, 0, 1, 2, 3, 7, 8192, None]), max_size=5)
_NAMES = ("accept", "cookie", "user-agent", "range", "if-none-match")
_BODIES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", b"\r\n", b"\n\n", b'{"a": 1}\n', b"\xef\xbb\xbf{}", b"\xff" * 70_000]),
)


def _headers(names: SearchStrategy[str], values: SearchStrategy[str], *, smallest: int) -> SearchStrategy[Headers]:
    """Some headers, sorted by name, among them how the handler is to read."""
    some = st.dictionaries(names, st.lists(values, min_size=smallest, max_size=3).map(tuple), max_size=4)
    return st.builds(
        lambda some, sizes: tuple(sorted({**some, SIZES_NAME: (json.dumps(sizes),)}.items())), some, _SIZES
    )


def _request(method: str, content_type: str, headers: Headers, contents: list[Content]) -> Request:
    return Request(method=method, content_type=content_type, headers=headers, contents=tuple(contents))


def of_worker() -> SearchStrategy[Request]:
    """Any requests that a proxy might write on the socket."""
    label = st.none() | st.text(max_size=5)
    contents = st.builds(Content, body=_BODIES, content_type=label, file_name=label, form_name=label)
    queries = st.binary(max_size=9).map(lambda query: Content(body=query))
    names = st.text(min_size=1, max_size=5).map(str.lower) | st.sampled_from(["accept", "x-a", "x-A", "content-type"])
    headers = _headers(names, st.text(max_size=5), smallest=0)
    types = _TYPES | st.text(min_size=1, max_size=6)
    return st.one_of(
        st.builds(_request, st.just("GET"), st.just(QUERY_TYPE), headers, queries.map(lambda query: [query])),
        st.builds(_request, st.sampled_from(["POST", "PUT"]), types, headers, contents.map(lambda content: [content])),
        st.builds(_request, st.sampled_from(["POST", "PUT"]), types, headers, st.lists(contents, max_size=4)),
    )


def over_http() -> SearchStrategy[Request]:
    """Requests that an HTTP client can send, and whose meaning nobody disputes."""
    texts = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\x7f"), max_size=6)
    # Spaces around a value are not part of it.
    values = texts.map(lambda text: text.strip(" \t"))
    names = st.from_regex(r"x-[a-z0-9_.-]{1,6}", fullmatch=True) | st.sampled_from([*_NAMES, *SECRETS])
    headers = _headers(names, values, smallest=1)
    labels = st.none() | st.text("abcé日 .-_=;:,'", min_size=1, max_size=6).map(str.strip).filter(bool)
    part_types = st.none() | _TYPES
    parts = st.builds(
        Content,
        body=_BODIES | st.lists(st.sampled_from(_NEARLY_DELIMITERS), max_size=4).map(b"".join),
        content_type=part_types,
        file_name=labels,
        form_name=labels,
    )
    queries = st.text("ab=&+%20;/?", max_size=9).map(lambda query: [Content(body=query.encode())])
    plain = _BODIES.map(lambda body: [Content(body=body)])
    methods = st.sampled_from(["POST", "PUT"])
    return st.one_of(
        st.builds(_request, st.just("GET"), st.just(QUERY_TYPE), headers, queries),
        st.builds(_request, methods, _TYPES, headers, plain),
        st.builds(_request, methods, st.just(FORM_TYPE), headers, st.lists(parts, max_size=4)),
    )


_NEARLY_DELIMITERS = [
    b"\r\n", b"\r", b"\n", b"--", b"\r\n--", b"\r\n--xYzZ", b"xYzZY", b"--xyzzy", b"\r\n-", b" --xYzZ\r\n\r\n",
    b"x" * 9000,
]  # fmt: skip
