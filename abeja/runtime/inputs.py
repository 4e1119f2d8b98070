"""Requests made from files, for running a handler without HTTP."""

import json
import mimetypes
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from abeja.runtime.errors import InputInvalidError
from abeja.runtime.excerpt import excerpt_of_syntax_error
from abeja.runtime.messages import Body, Content, Request
from abeja.runtime.spool import BodySink, MemoryBudget, Spool

_DEFAULT_TYPE = "application/octet-stream"
_READ_BYTES = 64 * 1024
# A compressed file is of the compression's type, whatever is in it.
_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
}
# name=@file is a file of a form, name=text a plain field, as in curl's -F.
_FIELD = re.compile(r"([^=@/]+)=(@?)(.*)", re.DOTALL)


def request_from_inputs(inputs: Sequence[str], *, spool: Spool, user_agent: str) -> Request:
    """A POST of one file, or of a multipart form.

    Args:
        inputs: one path, whose extension gives the content type; or any number of ``name=@path``
            and ``name=text``, which make a multipart/form-data request.
        spool: for large files.
        user_agent: the request's User-Agent.

    Raises:
        InputInvalidError: a file does not exist or cannot be read, or paths and form fields are mixed.
    """
    fields = [None if os.path.exists(text) else _FIELD.fullmatch(text) for text in inputs]  # noqa: PTH110 (as given)
    budget = MemoryBudget()
    if len(inputs) == 1 and fields[0] is None:
        path = Path(inputs[0])
        content_type = media_type_of(path)
        contents: tuple[Content, ...] = (Content(body=_read(path, spool, budget)),)
    else:
        content_type = f"multipart/form-data; boundary={uuid.uuid4().hex}"
        contents = tuple(_part(text, field, spool, budget) for text, field in zip(inputs, fields, strict=True))
    return _post(content_type, contents, user_agent)


def request_of_body(body: Body, *, content_type: str, user_agent: str) -> Request:
    """A POST of one body."""
    return _post(content_type, (Content(body=body),), user_agent)


def media_type_of(path: Path) -> str:
    """The media type that a file's extension stands for."""
    media_type, coding = mimetypes.guess_type(path.name)
    return _COMPRESSED.get(coding or "", media_type or _DEFAULT_TYPE)


def body_of(file: BinaryIO, spool: Spool, budget: MemoryBudget) -> Body:
    """What a file has from its position on, read to its end.

    Raises:
        OSError: the file cannot be read.
        SpoolFailedError: a large body cannot be stored.
    """
    sink = BodySink(spool, budget)
    try:
        while data := file.read(_READ_BYTES):
            sink.write(data)
    except BaseException:  # such as Ctrl-C: the file goes in any case
        sink.discard()
        raise
    return sink.close()


def _post(content_type: str, contents: tuple[Content, ...], user_agent: str) -> Request:
    return Request(
        request_id=uuid.uuid4().hex,
        method="POST",
        path="/",
        query="",
        content_type=content_type,
        headers=_headers(content_type, contents, user_agent),
        contents=contents,
    )


def json_problems(inputs: Sequence[str]) -> list[str]:
    """What is wrong with those of the inputs that are files of JSON, with the line: for a handler that refused them."""
    problems = []
    for text in inputs:
        field = None if os.path.exists(text) else _FIELD.fullmatch(text)  # noqa: PTH110 (as given)
        path = Path(text if field is None else field[3])
        if media_type_of(path) != "application/json" or (field is not None and not field[2]):
            continue
        try:
            json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            shown = excerpt_of_syntax_error(path, error)
            problems.append("\n".join(filter(None, (f"the input {path} is not JSON: {error}", shown))))
    return problems


def _part(text: str, field: re.Match[str] | None, spool: Spool, budget: MemoryBudget) -> Content:
    if field is None:
        raise InputInvalidError(
            f"{text!r} is not a field of a form, but there is more than one --input.",
            hint="give one file, or fields only: --input image=@cat.jpg --input label=cat.",
        )
    name, at, value = field.groups()
    if not at:
        return Content(body=os.fsencode(value), form_name=name)
    path = Path(value)
    return Content(
        body=_read(path, spool, budget), content_type=media_type_of(path), file_name=path.name, form_name=name
    )


def _read(path: Path, spool: Spool, budget: MemoryBudget) -> Body:
    try:
        with path.open("rb") as file:
            return body_of(file, spool, budget)
    except OSError as error:
        raise InputInvalidError(
            f"the input {path} cannot be read: {error.strerror}.", hint="--input names a file."
        ) from error


def _headers(
    content_type: str, contents: Sequence[Content], user_agent: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    headers = {"accept": "*/*", "content-type": content_type, "user-agent": user_agent}
    if len(contents) == 1 and contents[0].form_name is None:
        headers["content-length"] = str(_size(contents[0].body))
    return tuple((name, (value,)) for name, value in sorted(headers.items()))


def _size(body: Body) -> int:
    return len(body) if isinstance(body, bytes) else body.size_bytes
