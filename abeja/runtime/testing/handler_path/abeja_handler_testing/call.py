"""One request, as a test writes it, and as a worker gets it."""

import json as json_module
import mimetypes
import os
import uuid
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union
from urllib.parse import quote, urlencode

_DEFAULT_TYPE = "application/octet-stream"
_JSON_TYPE = "application/json"
_FORM_TYPE = "multipart/form-data"

# A text is a plain field; a path is a file; (file name, bytes, content type) is a file that a test makes.
Field = Union[str, "os.PathLike[str]", Tuple[str, bytes, str]]


class Part(object):
    """One body: the whole of a request, or one part of a form.

    Attributes:
        body: the bytes.
        content_type: a part's own, or None.
        file_name: a part's, or None.
        form_name: a part's, or None.
    """

    def __init__(
        self,
        body: bytes,
        content_type: Optional[str] = None,
        file_name: Optional[str] = None,
        form_name: Optional[str] = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.file_name = file_name
        self.form_name = form_name


class Call(object):
    """One request.

    Args:
        method: of HTTP.
        path: with or without a query; what is not ASCII is escaped.
        query: a text, or names and values.
        headers: names and values; a value may be a list of them.
        json: any value that JSON has; it is the body.
        body: bytes or text.
        file: path of a file; its extension gives the content type.
        form: names and values of a multipart/form-data request: a text is a plain field, a path
            object is a file, and a tuple (file name, bytes, content type) is one that the test makes.
        content_type: instead of the one that follows from the body.

    Raises:
        TypeError: more than one of json, body, file and form is given.
    """

    def __init__(
        self,
        method: str,
        path: str = "/",
        *,
        query: Any = None,
        headers: Optional[Dict[str, Any]] = None,
        json: Any = None,
        body: Any = None,
        file: Any = None,
        form: Optional[Dict[str, Field]] = None,
        content_type: Optional[str] = None,
    ) -> None:
        given = [name for name, value in (("body", body), ("file", file), ("form", form)) if value is not None]
        given += ["json"] if json is not None else []
        if len(given) > 1:
            raise TypeError("a request has one body, but %s are given" % " and ".join(sorted(given)))
        self.method = method.upper()
        target, _, inner = quote(path, safe="/?=&;%:@!$'()*+,~-._[]").partition("?")
        self.path = target or "/"
        self.query = "&".join(filter(None, (inner, _query(query))))
        self.request_id = uuid.uuid4().hex
        self.parts: Optional[List[Part]] = None
        self.body = b""
        implied: Optional[str] = None
        if form is not None:
            self.parts = [_part(name, value) for name, value in form.items()]
            boundary = uuid.uuid4().hex
            self.body, implied = _encoded(self.parts, boundary), "%s; boundary=%s" % (_FORM_TYPE, boundary)
        elif json is not None:
            self.body, implied = json_module.dumps(json).encode("utf-8"), _JSON_TYPE
        elif file is not None:
            self.body, implied = _read(file), _media_type(os.fspath(file))
        elif body is not None:
            self.body = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        pairs = _pairs(headers or {})
        named = [value for name, value in pairs if name == "content-type"]
        self.content_type = content_type or (named[0] if named else implied)
        self._pairs = [pair for pair in pairs if pair[0] not in ("content-type", "content-length")]

    def headers(self, hidden: Iterable[str]) -> List[Tuple[str, List[str]]]:
        """(lower-case name, values) sorted by name, as the handler sees them: without the `hidden` ones."""
        pairs = list(self._pairs)
        if self.content_type is not None:
            pairs.append(("content-type", self.content_type))
        if self.body:
            pairs.append(("content-length", str(len(self.body))))
        left_out = set(hidden)
        names = sorted({name for name, _ in pairs} - left_out)
        return [(name, [value for other, value in pairs if other == name]) for name in names]

    def contents(self, *, parses_multipart: bool) -> List[Part]:
        """Its bodies as the ABI has them: the parts of a form, or the raw body."""
        if parses_multipart and self.parts is not None and self.method not in ("GET", "HEAD"):
            return self.parts
        return [Part(self.body)]


def _query(query: Any) -> str:
    if query is None:
        return ""
    return str(query) if isinstance(query, str) else urlencode(query, doseq=True)


def _pairs(headers: Dict[str, Any]) -> List[Tuple[str, str]]:
    return [
        (name.lower(), str(value))
        for name, values in headers.items()
        for value in (values if isinstance(values, (list, tuple)) else [values])
    ]


def _part(name: str, value: Field) -> Part:
    if isinstance(value, str):
        return Part(value.encode("utf-8"), form_name=name)
    if isinstance(value, tuple):
        file_name, body, content_type = value
        return Part(body, content_type, file_name, name)
    path = os.fspath(value)
    return Part(_read(path), _media_type(path), os.path.basename(path), name)


def _encoded(parts: List[Part], boundary: str) -> bytes:
    """The parts as RFC 7578 writes them."""
    lines: List[bytes] = []
    for part in parts:
        disposition = 'Content-Disposition: form-data; name="%s"' % part.form_name
        if part.file_name is not None:
            disposition += '; filename="%s"' % part.file_name
        head = [disposition] + (["Content-Type: " + part.content_type] if part.content_type else [])
        lines.append(b"--" + boundary.encode("ascii"))
        lines.extend(line.encode("utf-8") for line in head)
        lines.extend((b"", part.body))
    return b"\r\n".join([*lines, b"--" + boundary.encode("ascii") + b"--", b""])


def _read(path: Any) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _media_type(path: str) -> str:
    media_type, coding = mimetypes.guess_type(path)
    return _DEFAULT_TYPE if coding or media_type is None else media_type
