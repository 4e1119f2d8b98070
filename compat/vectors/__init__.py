"""Recorded pairs, read from the JSON file beside this module; README.md describes its format."""

import base64
import json
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import frozen

from compat.outcomes import Answer, Failure, Outcome, http_metadata
from compat.pairs import Content, Pair, Request

# Files that handlers open in their folder, which the recording does not hold.
_FILES = {"text-file-textmode": {"t.txt": b"l1\nl2\n"}}


class Verdict(Enum):
    """What we do where the original did what was observed."""

    IDENTICAL = "identical"
    FIXED = "fixed: bytes are sent as they are"
    REFUSED = "refused by the original: a clear error or a sensible answer"


@frozen(kw_only=True)
class Vector:
    """A pair of one request, with what the original made of it."""

    pair: Pair
    observed: Outcome
    verdict: Verdict

    def __str__(self) -> str:
        return self.pair.name


def vectors_19_04() -> list[Vector]:
    """The pairs recorded from the original worker of ABI 19.04."""
    text = Path(__file__).with_name("19.04.json").read_text(encoding="utf-8")
    return [_vector(fields) for fields in json.loads(text)]


def _vector(fields: dict[str, Any]) -> Vector:
    name = fields["name"]
    pair = Pair(
        name=name, handler=fields["handler"], requests=(_request(fields["request"]),), files=_FILES.get(name, {})
    )
    return Vector(pair=pair, observed=_outcome(fields["observed"]), verdict=Verdict(fields["verdict"]))


def _request(fields: dict[str, Any]) -> Request:
    return Request(
        method=fields["method"],
        content_type=fields["content_type"],
        headers=tuple((header["key"], tuple(header["values"])) for header in fields["headers"]),
        contents=tuple(_content(content) for content in fields["contents"]),
    )


def _content(fields: dict[str, Any]) -> Content:
    labels = {name: fields.get(name) for name in ("content_type", "file_name", "form_name")}
    return Content(body=base64.b64decode(fields["body_b64"]), **labels)


def _outcome(fields: dict[str, Any]) -> Outcome:
    if "error" in fields:
        return Failure(f"{fields['status']} {fields['error']}")
    return Answer(
        status=fields["status"],
        content_type=fields["content_type"],
        metadata=http_metadata(fields["metadata"]),
        body=base64.b64decode(fields["body_b64"] or ""),
    )
