"""A request as an ABI's worker module receives it, its bodies as open binary files."""

import io
import os
import tempfile
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple, cast

from .large_bodies import LargeBodies

# The size of the read buffer over an inline body; the original's files had the same.
BUFFER_BYTES = 8192


class _Late(object):
    """An attribute that is made when it is first asked for."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        # The instance's own attribute goes before this one from here on.
        value = instance.__dict__[self._name] = self._make(instance)
        return value


class Content(object):
    """One body: the whole of a plain request, or one part of a multipart one.

    Attributes:
        content_type: the part's own Content-Type header, None if it has none or is not a part.
        file_name, form_name: from the part's Content-Disposition, or None.
        metadata: reserved for inputs that come from a store; None for HTTP requests.
        body: a readable, seekable `io.BufferedReader`. It is open until the answer has been sent.
        size_bytes: the body's length.
    """

    # On the class, for most requests have one content, and all that is said of it is its size.
    content_type: Optional[str] = None
    file_name: Optional[str] = None
    form_name: Optional[str] = None
    metadata: Optional[Dict[str, Any]] = None

    def __init__(self, fields: Dict[str, Any], body: BinaryIO, size_bytes: int) -> None:
        self.body = body
        self.size_bytes = size_bytes
        if len(fields) > 1:
            self.content_type = fields.get("content_type")
            self.file_name = fields.get("file_name")
            self.form_name = fields.get("form_name")
            self.metadata = fields.get("metadata")


class Message(object):
    """One request, free of any ABI.

    Attributes:
        method: upper case; HEAD arrives as GET.
        path, query: as in the request target, undecoded, the query without its `?`.
        content_type: the request's Content-Type header, or None.
        headers: (lower-case name, values) pairs sorted by name.
        contents: one `Content` for a plain body, one per part for multipart/form-data.
        request_id: the id in the log and in the answer's `X-Request-Id`.
        client_ip: the address that the request came from; empty if it came from no network.
        timeout_s: how long the worker may take from now on; None for as long as it likes.
    """

    def __init__(self, header: Dict[str, Any], payload: bytes, large: LargeBodies) -> None:
        self.request_id: str = header["request_id"]
        self.method: str = header["method"]
        self.path: str = header["path"]
        self.query: str = header["query"]
        self.content_type: Optional[str] = header["content_type"]
        self.client_ip: str = header["client_ip"]
        self.timeout_s: Optional[float] = header["timeout_s"]
        self._header = header
        self._large = large
        self._bodies: List[BinaryIO] = []
        self.contents = self._open_contents(header["contents"], payload)

    @_Late
    def headers(self) -> List[Tuple[str, List[str]]]:
        """Few handlers look at them."""
        return [(name, list(values)) for name, values in self._header["headers"]]

    def new_body(self, data: bytes) -> BinaryIO:
        """A body of the ABI's making; it is closed with the others."""
        inline: Any = _InlineBody(data)
        inline.spool_dir = self._large.folder
        # The original's bodies were BufferedReaders, and handlers see the type.
        body = io.BufferedReader(inline, BUFFER_BYTES)
        self._bodies.append(body)
        return body

    def close(self) -> None:
        """Close every body."""
        for body in self._bodies:
            body.close()

    def _open_contents(self, fields: List[Dict[str, Any]], payload: bytes) -> List[Content]:
        contents = []
        offset = 0
        for field in fields:
            size = field["size"]
            if "path" in field:
                # As `open` does it, which would also ask whether the file is a terminal.
                body = cast(BinaryIO, io.BufferedReader(io.FileIO(field["path"]), BUFFER_BYTES))
                self._bodies.append(body)
            elif "block" in field:
                body = self.new_body(self._large.request(field["block"], size))
            else:
                body = self.new_body(payload[offset : offset + size])
                offset += size
            contents.append(Content(field, body, size))
        return contents


class _InlineBody(io.BytesIO):
    """A small body in memory that becomes a file when a handler asks for its name or its descriptor."""

    __slots__ = ("spool_dir",)
    mode = "rb"
    # Raw files have it: their BufferedReader reads all of the rest at once.
    readall = io.BytesIO.read
    # Set from outside, the rest on the class: a constructor would be a good part of a small request's time.
    spool_dir: str
    _file: Optional[BinaryIO] = None
    _path = ""

    @property
    def name(self) -> str:
        self._as_file()
        return self._path

    def fileno(self) -> int:
        """A descriptor at the position of this object."""
        file = self._as_file()
        file.seek(self.tell())
        return file.fileno()

    def truncate(self, size: Optional[int] = None) -> int:  # noqa: ARG002 (the signature of files)
        raise io.UnsupportedOperation("File not open for writing")

    def close(self) -> None:
        if self._file is not None and not self.closed:
            self._file.close()
            os.unlink(self._path)
        io.BytesIO.close(self)

    def _as_file(self) -> BinaryIO:
        if self._file is None:
            handle, path = tempfile.mkstemp(prefix="body-", dir=self.spool_dir)
            file = cast(BinaryIO, os.fdopen(handle, "w+b", 0))
            try:
                # The system may take only a part of it at once, as at the end of a disk.
                rest = memoryview(self.getvalue())
                while rest:
                    rest = rest[file.write(rest) :]
            except BaseException:
                file.close()
                os.unlink(path)
                raise
            self._file, self._path = file, path
        return self._file
