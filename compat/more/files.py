"""Files: binary and text file objects as content."""

import gzip
from collections.abc import Iterator

from compat.more.handlers import returning, running
from compat.pairs import Pair

_OCTETS = "application/octet-stream"
_FILES = {
    # Above 1 MiB, with bytes that are no text.
    "binary": bytes(range(256)) * 5_000,
    # Above 64 KiB.
    "lines": b"".join(b"line %06d\n" % number for number in range(8_000)),
    "short.txt": "é\r\nb\n".encode(),
    "short.gz": gzip.compress(b"a\nb\n", mtime=0),
}

_CONTENTS = {
    "bytes-io-without-newline": "io.BytesIO(b'\\x00\\xff')",
    "bytes-io-with-lines": "io.BytesIO(b'a\\r\\n\\n\\nb\\n')",
    "bytes-io-empty": "io.BytesIO()",
    "lines-of-bytes-io": "list(io.BytesIO(b'a\\nb\\n'))",
    "bytes-io-subclass": "type('B', (io.BytesIO,), {})(b'ab')",
    "buffered-reader": "io.BufferedReader(io.BytesIO(b'a\\nb'))",
    "text-wrapper": "io.TextIOWrapper(io.BytesIO('é\\n日本\\n'.encode()), encoding='utf-8')",
    "string-io-without-newline": "io.StringIO('a')",
    "string-io-with-blank-lines": "io.StringIO('a\\n\\nb\\n')",
    "string-io-empty": "io.StringIO()",
    "binary-file": "open('binary', 'rb')",
    "binary-file-of-lines": "open('lines', 'rb')",
    "unbuffered-file": "open('lines', 'rb', buffering=0)",
    "file-for-update": "open('lines', 'r+b')",
    "text-file": "open('short.txt')",
    "text-file-with-its-newlines": "open('short.txt', newline='')",
    "text-file-by-codecs": "codecs.open('short.txt', encoding='utf-8')",
    "gzip-file": "gzip.open('short.gz')",
    "gzip-text-file": "gzip.open('short.gz', 'rt')",
    "chunks-of-file": "iter(functools.partial(open('binary', 'rb').read, 4096), b'')",
    "files-chained": "itertools.chain(open('lines', 'rb'), open('binary', 'rb'))",
    "bytes-of-file": "[open('binary', 'rb').read()]",
}

_HANDLERS = {
    "bytes-io-at-its-end": running("f = io.BytesIO()", "f.write(b'ab')", "return {'content': f}"),
    "bytes-io-part-read": running("f = io.BytesIO(b'abc\\ndef\\n')", "f.read(2)", "return {'content': f}"),
    "binary-file-part-read": running("f = open('binary', 'rb')", "f.seek(70000)", "return {'content': f}"),
    "string-io-part-read": running("f = io.StringIO('abc\\ndef\\n')", "f.read(2)", "return {'content': f}"),
    "file-in-text-csv": returning("open('short.txt', 'rb')", content_type="text/csv"),
    "zip-member": running(
        "archive = io.BytesIO()",
        "with zipfile.ZipFile(archive, 'w') as target: target.writestr('m', b'a\\nb')",
        "return {'content': zipfile.ZipFile(archive).open('m')}",
    ),
    "named-temporary-file": running(
        "f = tempfile.NamedTemporaryFile()", "f.write(b'a\\nb')", "f.seek(0)", "return {'content': f}"
    ),
    "named-temporary-file-at-its-end": running(
        "f = tempfile.NamedTemporaryFile()", "f.write(b'a\\nb')", "return {'content': f}"
    ),
    "named-temporary-text-file": running(
        "f = tempfile.NamedTemporaryFile('w+')", "f.write('a\\nb\\n')", "f.seek(0)", "return {'content': f}"
    ),
    "temporary-file": running("f = tempfile.TemporaryFile()", "f.write(b'ab')", "f.seek(0)", "return {'content': f}"),
    "spooled-temporary-file": running(
        "f = tempfile.SpooledTemporaryFile()", "f.write(b'a\\nb')", "f.seek(0)", "return {'content': f}"
    ),
    "spooled-temporary-file-on-disk": running(
        "f = tempfile.SpooledTemporaryFile(max_size=1)", "f.write(b'a\\nb')", "f.seek(0)", "return {'content': f}"
    ),
    "spooled-temporary-text-file": running(
        "f = tempfile.SpooledTemporaryFile(mode='w+')", "f.write('a\\nb\\n')", "f.seek(0)", "return {'content': f}"
    ),
    "closed-file": running("with open('short.txt', 'rb') as f: return {'content': f}"),
    "echo-of-the-body": returning("request['contents'][0]['body']", content_type=_OCTETS),
    "file-among-elements": returning("['a', open('short.txt', 'rb')]"),
    "pipe": running(
        "p = subprocess.Popen(['printf', 'a\\\\nb'], stdout=subprocess.PIPE)", "return {'content': p.stdout}"
    ),
}


def pairs() -> Iterator[Pair]:
    """One pair for each file object; the folder has the files."""
    sources = {name: returning(content, content_type=_OCTETS) for name, content in _CONTENTS.items()} | _HANDLERS
    for name, source in sources.items():
        yield Pair(name=f"file-{name}", handler=source, files=_files(source))


def _files(source: str) -> dict[str, bytes]:
    return {name: data for name, data in _FILES.items() if f"'{name}'" in source}
