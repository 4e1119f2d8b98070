"""Replies: status codes, metadata and content types."""

from collections.abc import Iterator

from compat.more.handlers import replying, running
from compat.pairs import Pair, Request

_STATUS = {
    "none": "None",
    "created": "201",
    "created-by-name": "http.HTTPStatus.CREATED",
    "not-found": "404",
    "not-modified": "304",
    "found": "302",
    "teapot": "418",
    "own": "299",
    "last": "599",
    "continue": "100",
    "zero": "0",
    "text": "'200'",
    "too-large": "1000",
}

_METADATA = {
    "several": "{'X-One': '1', 'x-two': '2', 'Cache-Control': 'no-store', 'ETag': '\"abc\"'}",
    "not-ascii": "{'x-name': 'é日本'}",
    "empty-value": "{'x-empty': ''}",
    "blank-value": "{'x-blank': ' a '}",
    "boolean": "{'x-flag': True}",
    "float": "{'x-share': 0.5}",
    "nested": "{'x-object': {'a': 1}}",
    "bytes": "{'x-bytes': b'a'}",
    "upper-case": "{'X-REQUEST-COST': '5'}",
    "number-as-name": "{1: 'a'}",
    "names-that-are-not-text": "{None: 'a', True: 'b', 1.5: 'c'}",
    "text-enums": "{enum.Enum('N', [('A', 'x-a')], type=str).A: enum.Enum('V', [('B', 'b')], type=str).B}",
    "runtime-version-in-other-case": "{'X-Abeja-Sys-Meta-Runtime-Version': '9', 'x-a': '1'}",
    "names-in-two-cases": "{'X-A': '1', 'x-a': '2'}",
    "ordered-dict": "collections.OrderedDict([('x-b', '1'), ('x-a', '2')])",
    "counter": "collections.Counter({'x-a': 2})",
    "mapping-proxy": "types.MappingProxyType({'x-a': '1'})",
    "user-dict": "collections.UserDict({'x-a': '1'})",
    "empty": "{}",
    "empty-text": "''",
    "empty-tuple": "()",
    "text": "'x-a: 1'",
    "long": "{'x-long': 'v' * 4000}",
    "many": "{'x-%d' % i: str(i) for i in range(50)}",
    "cookie": "{'Set-Cookie': 'a=b; Path=/'}",
    "of-the-platform": "{'X-Abeja-Model-Id': 'm', 'x-abeja-meta-filename': 'f.txt'}",
}

_TYPES = {
    "charset": "'text/plain; charset=Shift_JIS'",
    "upper-case": "'TEXT/PLAIN'",
    "of-a-vendor": "'application/vnd.abeja.v1+json'",
    "without-subtype": "'text'",
    "with-trailing-semicolon": "'text/plain;'",
    "with-spaces-around": "' text/plain '",
    "with-quotes": "'text/plain; a=\"b;c\"'",
    "not-ascii": "'text/plain; name=é'",
    "of-text-enum": "enum.Enum('T', [('A', 'text/html')], type=str).A",
    "of-text-subclass": "type('T', (str,), {})('text/html')",
    "svg": "'image/svg+xml'",
    "form": "'application/x-www-form-urlencoded'",
    "wildcard": "'*/*'",
}

_RETURNED = {
    "nothing-in-it": "return {}",
    "no-content-with-status": "return {'status_code': 204}",
    "none-with-status": "return {'status_code': 204, 'content': None}",
    "object-without-type": "return {'content': {'a': 1}}",
    "list-without-type": "return {'content': [{'a': 1}, {'b': 2}]}",
    "bytes-in-list-without-type": "return {'content': [b'\\x00\\xff']}",
    "body-with-304": "return {'status_code': 304, 'content': 'x'}",
    "error-as-json": (
        "return {'status_code': http.HTTPStatus.BAD_REQUEST, 'content_type': 'application/json; charset=utf8',"
        " 'content': {'error': 'é'}}"
    ),
    "ordered-dict": "return collections.OrderedDict(content='x')",
    "default-dict": "return collections.defaultdict(lambda: 'made', content='x')",
    "dict-with-own-get": (
        "return type('D', (dict,), {'get': lambda self, key, default=None: 'own' if key == 'content' else default})()"
    ),
    "user-dict": "return collections.UserDict({'content': 'x'})",
    "none": "return None",
    "generator": "return (x for x in 'ab')",
    "other-spellings": "return {'content': 'x', 'statusCode': 201, 'contentType': 'text/html', 'body': 'y'}",
    "keys-that-are-not-text": "return {'content': 'x', 1: 2, None: 3}",
}

_SHARED = "METADATA = {'x-a': '1'}\nREPLY = {'content_type': 'text/plain', 'metadata': METADATA}"


def pairs() -> Iterator[Pair]:
    """One pair for each reply."""
    for name, status in _STATUS.items():
        yield Pair(name=f"status-{name}", handler=replying(f"'status_code': {status}, 'content': 'x'"))
    for name, metadata in _METADATA.items():
        yield Pair(name=f"metadata-{name}", handler=replying(f"'metadata': {metadata}, 'content': 'x'"))
    for name, content_type in _TYPES.items():
        yield Pair(name=f"type-{name}", handler=replying(f"'content_type': {content_type}, 'content': ['x', 'é']"))
    for name, statement in _RETURNED.items():
        yield Pair(name=f"returned-{name}", handler=running(statement))
    yield Pair(
        name="returned-one-dict-twice",
        handler=running("REPLY['content'] = sorted(METADATA)", "return REPLY", preamble=_SHARED),
        requests=(Request(), Request()),
    )
