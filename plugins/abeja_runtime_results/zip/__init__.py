"""zip: stored, deflated, bzip2 and LZMA members, zip64, data descriptors.

zipfile of the standard library believes the central directory alone. This plugin has a reader of its
own, for which central directory, local headers and data must agree, without gaps and overlaps, so
that no other program would find other members in the same file.
"""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Extractor, Member, hookimpl

_MEMBER, _NO_MEMBERS = b"PK\x03\x04", b"PK\x05\x06"


@hookimpl
def abeja_extractors() -> Iterator[Extractor]:
    """The extractor `zip`."""
    yield Extractor(name="zip", recognises=_recognises, members=_members)


def _recognises(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in (_MEMBER, _NO_MEMBERS)


def _members(path: Path) -> Iterator[Member]:
    # Imported when an archive is read, not at every start.
    from abeja_runtime_results.zip.reader import read  # noqa: PLC0415

    return read(path)
