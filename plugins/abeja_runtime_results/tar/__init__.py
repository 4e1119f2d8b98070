"""tar, plain or compressed by gzip, bzip2 or xz: ustar, pax and GNU, sparse files included.

tarfile of the standard library trusts what it reads in places (it loops on negative sizes, reads
extended headers of any size into memory, and leaves a stream before the checksum at its end), so
this plugin has a reader of its own, which only reads forward.
"""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Extractor, Member, hookimpl


@hookimpl
def abeja_extractors() -> Iterator[Extractor]:
    """The extractor `tar`."""
    yield Extractor(name="tar", recognises=_recognises, members=_members)


# The readers are imported when an archive is read, not at every start.
def _recognises(path: Path) -> bool:
    from abeja_runtime_results.tar.stream import is_tar  # noqa: PLC0415

    return path.is_file() and is_tar(path)


def _members(path: Path) -> Iterator[Member]:
    from abeja_runtime_results.tar.reader import read  # noqa: PLC0415

    return read(path)
