"""What ``--training-result`` says: a source, and what its SHA-256 must be."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

from abeja.runtime.errors import ChecksumMismatchError, OptionInvalidError, SourceFailedError
from abeja.runtime.types import ResultSource

_FRAGMENT = re.compile(r"(.*)#sha256=(.*)", re.DOTALL | re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@frozen(kw_only=True)
class RequestedSource:
    """A source as it was asked for.

    Attributes:
        text: without the checksum.
        sha256: lower case; empty if none was given.
    """

    text: str
    sha256: str = ""

    @classmethod
    def parse(cls, text: str) -> "RequestedSource":
        """Split ``SOURCE#sha256=HEX``.

        Raises:
            OptionInvalidError: the checksum is none.
        """
        match = _FRAGMENT.fullmatch(text)
        if match is None:
            return cls(text=text)
        sha256 = match[2].lower()
        if not _SHA256.fullmatch(sha256):
            raise OptionInvalidError(
                f"--training-result: expected 64 hexadecimal digits after '#sha256=', found '{match[2]}'.",
                hint="`sha256sum FILE` prints them.",
            )
        return cls(text=match[1], sha256=sha256)

    def __str__(self) -> str:
        """For people: without a password, and without a query, which may be a signature."""
        return without_secrets(self.text)

    def digest(self, source: ResultSource) -> str:
        """What stands for the source in a marker."""
        return hashlib.sha256(f"{source.name}\0{self.text}".encode("utf-8", "surrogateescape")).hexdigest()

    def check(self, path: Path) -> None:
        """Compare the checksum, if there is one.

        Raises:
            ChecksumMismatchError: it differs, or there is a folder, which has none.
        """
        if not self.sha256:
            return
        if not path.is_file():
            raise ChecksumMismatchError(f"{self} is a folder, which has no SHA-256.", hint="leave '#sha256=' out.")
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SourceFailedError(f"the training result {self} cannot be read: {error.strerror}.") from error
        if found != self.sha256:
            raise ChecksumMismatchError(
                f"{self} has the SHA-256 {found}; expected {self.sha256}.",
                hint="it is another file than the one that you know, or it was damaged on the way.",
            )


def without_secrets(text: str) -> str:
    """A source without user, password and query, for logs and errors."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if not parts.netloc:
        return text
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
