"""Reading: what a handler can do with its request."""

from collections.abc import Iterator

from compat.more.handlers import probing
from compat.pairs import Content, Pair, Request

_HEADERS = (
    ("accept", ("*/*",)),
    ("content-type", ("application/json",)),
    ("x-blank", ("",)),
    ("x-multi", ("5", "3")),
)
_JSON = Request(headers=_HEADERS, contents=(Content(body=b'{"foo": "bar"}\nline 2\n'),))
_EMPTY_FORM = Request(content_type="multipart/form-data; boundary=XX", contents=())
_FORM = Request(
    content_type="multipart/form-data; boundary=XX",
    contents=(
        Content(body=b"first", form_name="a"),
        Content(body=b"\x00\xff", content_type="application/octet-stream", form_name="b", file_name="日本.bin"),
        Content(body=b"third", content_type="text/plain"),
    ),
)
_GET = Request(
    method="GET",
    content_type="application/x-www-form-urlencoded",
    headers=(),
    contents=(Content(body=b"a=1&b=%20&a="),),
)

_PROBES: dict[str, tuple[Request, tuple[str, ...]]] = {
    "read-nothing-then-all": (_JSON, ("request.read(0)", "request.read(None)", "request.read(None)")),
    "read-by-pieces": (_JSON, ("request.read(3)", "request.read(size=3)", "request['contents'][0].read()")),
    "read-too-much": (_JSON, ("len(request.read(10**6))", "request.read(1)")),
    "read-by-content-first": (_JSON, ("request['contents'][0].read(5)", "request.read(5)")),
    "read-until-empty": (_JSON, ("list(iter(lambda: request.read(7), b''))",)),
    "read-odd-sizes": (_JSON, ("request.read(-5)", "request.read('1')", "request.read(1.0)", "request.read(1, 2)")),
    "json-load": (Request(), ("json.load(request)", "json.load(request)")),
    "json-load-content": (Request(), ("json.load(request['contents'][0])",)),
    "json-with-mark": (Request(contents=(Content(body='\ufeff{"é": 1}'.encode()),)), ("json.load(request)",)),
    "json-in-utf-16": (Request(contents=(Content(body='{"é": 1}'.encode("utf-16")),)), ("json.load(request)",)),
    "copyfileobj": (_JSON, ("shutil.copyfileobj(request, io.BytesIO())", "request.read()")),
    "as-mapping": (
        _JSON,
        (
            "[key for key in request]",
            "list(request.keys())",
            "[type(value).__name__ for value in request.values()]",
            "[key for key, value in request.items()]",
            "sorted(dict(request))",
            "sorted({**request})",
            "len(request)",
            "'contents' in request, 'path' in request, 1 in request",
            "request.get('http_method'), request.get('path'), request.get('x', 5)",
            "request.keys() & {'contents', 'x'}",
            "isinstance(request, dict), isinstance(request, io.IOBase)",
            "bool(request)",
        ),
    ),
    "views": (
        _JSON,
        (
            "type(request.keys()).__name__",
            "type(request.values()).__name__",
            "type(request.items()).__name__",
            "request.keys()",
            "type(request['contents'][0].keys()).__name__",
            "request['contents'][0].keys()",
        ),
    ),
    "equality": (
        _JSON,
        (
            "request == request, request != request",
            "request == dict(request), dict(request) == request",
            "request == {}, request != {}, request == 5, request != None",
            "request['contents'][0] == dict(request['contents'][0])",
            "request['contents'][0] == request['contents'][0]",
            "request in [request]",
        ),
    ),
    "as-text": (
        _JSON,
        (
            "str(request)[:66]",
            "'%s' % request == str(request)",
            "f'{request}'[:20]",
            "str(request['contents'][0])[:44]",
            "str(dict(request['contents'][0]))[:44]",
        ),
    ),
    "not-allowed": (
        _JSON,
        (
            "hash(request)",
            "request.__setitem__('a', 1)",
            "request.pop('headers')",
            "request.seek(0)",
            "request.readline()",
            "request.path",
            "request['body']",
            "request[0]",
            "request[['a']]",
            "json.dumps(request)",
            "io.TextIOWrapper(request)",
            "hash(request['contents'][0])",
            "request['contents'][0]['nope']",
            "request['contents'][0].seek(0)",
        ),
    ),
    "headers": (
        _JSON,
        (
            "request['headers']",
            "request['headers'][3]['values'][0]",
            "type(request['headers']).__name__, type(request['headers'][0]).__name__",
            "[h['values'][-1] for h in request['headers'] if h['key'] == 'x-multi']",
        ),
    ),
    "http-headers": (
        _JSON,
        (
            "request['http_headers']['X-MULTI']",
            "request['http_headers'].get('x-blank', 'd')",
            "request['http_headers'].get('nope', 'd')",
            "request['http_headers'].get_all('X-Multi')",
            "'ACCEPT' in request['http_headers'], 'nope' in request['http_headers']",
            "len(request['http_headers']), bool(request['http_headers'])",
            "sorted(request['http_headers'])",
            "list(zip(request['http_headers'].keys(), request['http_headers'].values()))",
            "type(request['http_headers'].keys()).__name__, type(request['http_headers'].items()).__name__",
            "dict(request['http_headers'])",
            "{**request['http_headers']}",
            "request['http_headers'] == request['http_headers'], request['http_headers'] != request['http_headers']",
            "request['http_headers'] == dict(request['http_headers']), request['http_headers'] == {}",
            "5 in request['http_headers']",
            "request['http_headers'][None]",
            "isinstance(request['http_headers'], collections.abc.Mapping)",
            "request['http_headers'].has_key('Accept')",
        ),
    ),
    "no-headers": (
        Request(headers=()),
        (
            "request['headers']",
            "bool(request['http_headers']), len(request['http_headers'])",
            "list(request['http_headers']), dict(request['http_headers'])",
            "request['http_headers']['content-type']",
            "request['content_type']",
        ),
    ),
    "metadata": (_JSON, ("request['metadata']", "request.get('metadata', 5)", "'metadata' in request")),
    "close": (_JSON, ("request.close()", "request.read()", "request.close()", "request['contents'][0]['body'].closed")),
    "close-of-content": (_FORM, ("request['contents'][0].close()", "request.read()", "request['contents'][1].read()")),
    "form": (
        _FORM,
        (
            "[dict(content, body=content.read()) for content in request['contents']]",
            "[list(content.items())[0] for content in request['contents']]",
            "[content.get('file_name', 'd') for content in request['contents']]",
            "request['metadata']",
            "request.read()",
            "request['content_type']",
        ),
    ),
    "empty-form": (
        _EMPTY_FORM,
        ("request['contents']", "request.read()", "json.load(request)", "request['metadata']", "request.close()"),
    ),
    "contents-cleared": (_JSON, ("request['contents'].clear()", "request.read()", "len(request['contents'])")),
    "query": (
        _GET,
        (
            "request['http_method'], request['content_type'], request['headers']",
            "len(request['contents'])",
            "[request['contents'][0][key] for key in ('content_type', 'metadata', 'file_name', 'form_name')]",
            "urllib.parse.parse_qs(request.read().decode(), keep_blank_values=True)",
        ),
    ),
    "content-type-with-parameters": (
        Request(content_type="Application/JSON; Charset=UTF-8"),
        ("request['content_type']", "request['http_headers']['content-type']"),
    ),
    "empty-body": (Request(contents=(Content(body=b""),)), ("request.read()", "request.read()", "json.load(request)")),
    "put": (Request(method="PUT"), ("request['http_method']", "request.read()")),
}


def pairs() -> Iterator[Pair]:
    """One pair for each group of expressions."""
    for name, (request, expressions) in _PROBES.items():
        yield Pair(name=f"reading-{name}", handler=probing(*expressions), requests=(request,))
