"""Results as lines: JSON stays as it was written."""

import base64
import json
from pathlib import Path

import pytest

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.line import line_of
from abeja.runtime.batch.result import Result
from abeja.runtime.messages import Body, SpoolFile


def line(body: Body, content_type: str = "application/json") -> bytes:
    """The line of an answer."""
    item = Item(number=0, name="a\udcff.json", label="a", content=b"")
    return b"".join(line_of(Result(item=item, identity="", status=200, content_type=content_type, body=body)))


@pytest.mark.parametrize(
    ("body", "encoding", "shown"),
    [
        (b'{"a":\n 1.10,\r\n"b": 1e400}\n', "json", b'{"a":  1.10,  "b": 1e400}'),
        ('"猫"'.encode(), "json", '"猫"'.encode()),
        (b"9" * 5000, "json", b"9" * 5000),
        (b'{"a": 1}\n{"a": 2}\n', "json-lines", b'[{"a": 1}, {"a": 2}]'),
        (b"NaN", "base64", b'"TmFO"'),
        (b"", "base64", b'""'),
        (b"[" * 100_000, "base64", b'"' + base64.b64encode(b"[" * 100_000) + b'"'),
    ],
)
def test_json_stands_in_the_line_as_it_is(body: bytes, encoding: str, shown: bytes) -> None:
    text = line(body)

    assert text.endswith(b'"encoding": "%s", "body": %s}\n' % (encoding.encode(), shown))
    assert text.count(b"\n") == 1


def test_other_types_are_base64_whatever_they_look_like() -> None:
    assert json.loads(line(b"123", "text/plain"))["body"] == "MTIz"


def test_large_bodies_are_read_from_their_files(tmp_path: Path) -> None:
    data = bytes(range(256)) * 3001
    (tmp_path / "body").write_bytes(data)

    fields = json.loads(line(SpoolFile(tmp_path / "body", len(data)), "image/png"))

    assert base64.b64decode(fields["body"]) == data
    assert fields["input"] == "a\udcff.json"
