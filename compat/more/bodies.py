"""Bodies: the file behind a content, and large ones."""

from collections.abc import Iterator

from compat.more.handlers import probing, running
from compat.pairs import Content, Pair, Request

_TEXT = Request(contents=(Content(body=b"line 1\nline 2\n\nlast"),))
_BODY = "request['contents'][0]['body']"

_PROBES = {
    "seek": ("{}.seek(3)", "{}.tell()", "request.read(2)", "{}.seek(-2, 2)", "request.read()", "{}.seek(0, 2)"),
    "lines": ("{}.readline()", "{}.readlines()", "{}.readline()"),
    "iteration": ("list({})", "next({}, 'end')"),
    "peek": ("{}.peek(3)[:3]", "request.read(3)", "{}.read1(2)", "{}.readinto(bytearray(4))"),
    "abilities": (
        "{}.readable(), {}.seekable(), {}.writable(), {}.isatty()",
        "{}.closed",
        "type({}).__name__",
        "isinstance({}, io.BufferedIOBase)",
        "hasattr({}, 'write')",
    ),
    "name": (
        "type({}.name).__name__",
        "os.path.isabs({}.name), os.path.isfile({}.name)",
        "open({}.name, 'rb').read()",
        "os.path.getsize({}.name)",
    ),
    "mode": ("{}.mode",),
    "descriptor": (
        "os.fstat({}.fileno()).st_size",
        "subprocess.run(['cat'], stdin={}, stdout=subprocess.PIPE).stdout",
    ),
    "text-wrapper": ("io.TextIOWrapper({}, encoding='utf-8').read()",),
    "with": ("{}.__enter__() is {}", "{}.__exit__(None, None, None)", "request.read()"),
    "write": ("{}.write(b'x')", "{}.truncate()"),
}

_LARGE = bytes(range(256)) * 8192
_SIZES = {"one-byte": 1, "64-kibibytes": 65536, "64-kibibytes-and-one": 65537, "2-mebibytes": 2 * 1024**2}
_DIGEST = "hashlib.sha256({}).hexdigest()"


def pairs() -> Iterator[Pair]:
    """One pair for each group of expressions over a small body, and for each size."""
    for name, expressions in _PROBES.items():
        written = (expression.replace("{}", _BODY) for expression in expressions)
        yield Pair(name=f"body-{name}", handler=probing(*written), requests=(_TEXT,))
    query = Request(method="GET", content_type="application/x-www-form-urlencoded", contents=(Content(body=b"a=1"),))
    name_of_query = (f"open({_BODY}.name, 'rb').read()", f"type({_BODY}).__name__", f"{_BODY}.seek(0), request.read()")
    yield Pair(name="body-of-query", handler=probing(*name_of_query), requests=(query,))
    for name, size in _SIZES.items():
        request = Request(content_type="application/octet-stream", contents=(Content(body=_LARGE[:size]),))
        expressions = (
            "request.read(3)",
            _DIGEST.format("request.read()"),
            f"{_BODY}.seek(0)",
            _DIGEST.format("b''.join(iter(functools.partial(request.read, 1000), b''))"),
            f"os.path.getsize({_BODY}.name)",
        )
        yield Pair(name=f"body-of-{name}", handler=probing(*expressions), requests=(request,))
    yield Pair(
        name="body-echoed",
        handler=running("return {'content_type': request['content_type'], 'content': [request.read()]}"),
        requests=(Request(content_type="image/jpeg", contents=(Content(body=_LARGE),)),),
    )
    yield Pair(
        name="body-of-archive",
        handler=running(
            "archive = zipfile.ZipFile(request['contents'][0]['body'], 'r')", "return {'content': archive.namelist()}"
        ),
        requests=(Request(content_type="application/zip", contents=(Content(body=_archive()),)),),
    )


def _archive() -> bytes:
    # An empty archive: its end of central directory record alone.
    return b"PK\x05\x06" + bytes(18)
