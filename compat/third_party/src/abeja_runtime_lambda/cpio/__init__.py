"""cpio archives of the "new" formats 070701 and 070702: GNU cpio's ``-H newc`` and ``-H crc``."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Extractor, Member, hookimpl

MAGICS = (b"070701", b"070702")


@hookimpl
def abeja_extractors() -> Iterator[Extractor]:
    """The extractor `cpio`."""
    yield Extractor(name="cpio", recognises=recognises, members=members)


def recognises(path: Path) -> bool:
    """Whether a file begins as such an archive does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(6) in MAGICS


def members(path: Path) -> Iterator[Member]:
    """The members of the archive at `path`."""
    # Imported when an archive is read, not at every start.
    from abeja_runtime_lambda.cpio.reader import read

    return read(path)
