"""One input of a run: a file, or a line of JSON."""

import hashlib
import os
from pathlib import Path

from attrs import field, frozen

from abeja.runtime.errors import InputInvalidError
from abeja.runtime.inputs import body_of, media_type_of, request_of_body
from abeja.runtime.messages import Request
from abeja.runtime.spool import MemoryBudget, Spool

_LINE_TYPE = "application/json"
_DIGEST_BYTES = 16


@frozen(kw_only=True)
class Item:
    """One input.

    Attributes:
        number: its place among the inputs of the run, from 0.
        name: for people, such as ``cats/tom.jpg`` or ``requests.jsonl:17``; no other input of the run has it.
        label: the path of its result below the output folder, without an extension. Whatever extensions follow, no
            two results are in one file.
        content: a file, or the bytes of a line.
    """

    number: int
    name: str
    label: str
    content: Path | bytes = field(repr=False)

    def identity(self) -> str:
        """What changes when the input does: size and modification time of a file, the digest of a line.

        Empty for a file that cannot be looked at.
        """
        if isinstance(self.content, bytes):
            return f"blake2b:{hashlib.blake2b(self.content, digest_size=_DIGEST_BYTES).hexdigest()}"
        try:
            return _of_file(self.content.stat())
        except OSError:
            return ""

    @property
    def size_bytes(self) -> int:
        """Of what it holds in memory."""
        return len(self.content) if isinstance(self.content, bytes) else 0

    def read(self, spool: Spool, *, user_agent: str) -> tuple[Request, str]:
        """The request that it stands for, and its identity at that moment.

        Raises:
            InputInvalidError: the file cannot be read.
            SpoolFailedError: a large body cannot be stored.
        """
        if isinstance(self.content, bytes):
            return request_of_body(self.content, content_type=_LINE_TYPE, user_agent=user_agent), self.identity()
        try:
            with self.content.open("rb") as file:
                identity = _of_file(os.fstat(file.fileno()))
                body = body_of(file, spool, MemoryBudget())
        except OSError as error:
            raise InputInvalidError(f"it cannot be read: {error.strerror}") from error
        return request_of_body(body, content_type=media_type_of(self.content), user_agent=user_agent), identity


def _of_file(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}"
