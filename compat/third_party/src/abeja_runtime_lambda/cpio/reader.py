"""Reads the members of a cpio archive, forwards and to its end.

A member is a header of 110 characters, a name and the content, the last two padded to 4 bytes::

    magic  13 numbers of 8 hexadecimal digits: ino mode nlink uid gid mtime filesize
           devmajor devminor rdevmajor rdevminor namesize check

The names of a file that has several come without content, but for one of them. A member named
``TRAILER!!!`` is the last; only zeros may follow it.
"""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from abeja.runtime import ArchiveUnreadableError, Member, MemberKind

from abeja_runtime_lambda.cpio import MAGICS

_HEADER_BYTES = 110
_NUMBERS = re.compile(rb"[0-9A-Fa-f]{104}")
_TRAILER = "TRAILER!!!"
# As long as paths are on Linux, with the NUL at the end.
_NAME_LIMIT_BYTES = 4096
_CHUNK_BYTES = 1024**2
# Names that wait for the content that they share. More of them come from no program that means well.
_WAITING_LIMIT = 10_000

_KINDS = {stat.S_IFREG: MemberKind.FILE, stat.S_IFDIR: MemberKind.FOLDER, stat.S_IFLNK: MemberKind.SYMLINK}

Inode = tuple[int, int, int]


class Entry(NamedTuple):
    """One header with its name."""

    name: str
    inode: Inode
    mode: int
    links: int
    size_bytes: int
    # The sum of all bytes of the content, None if the format has none.
    check: int | None

    @property
    def kind(self) -> MemberKind:
        """What it is."""
        return _KINDS.get(stat.S_IFMT(self.mode), MemberKind.SPECIAL)

    @property
    def may_share(self) -> bool:
        """Whether it may be a further name of another member."""
        return self.kind is MemberKind.FILE and self.links > 1


def read(path: Path) -> Iterator[Member]:
    """The members of the archive at `path`.

    Raises:
        ArchiveUnreadableError: it is damaged or cut off.
    """
    with path.open("rb") as file:
        links = _Links()
        while (entry := _entry(file)).name != _TRAILER:
            data, end = file.tell(), _padded(file.tell() + entry.size_bytes)
            if entry.may_share and not entry.size_bytes:
                yield from links.without_content(entry)
            else:
                yield _member(entry, file)
                yield from links.with_content(entry) if entry.may_share else ()
            _require(file, end, entry.name, data + entry.size_bytes)
        yield from links.left_over()
        _read_zeros(file)


class _Links:
    """Files that have several names."""

    def __init__(self) -> None:
        self._first: dict[Inode, str] = {}
        self._waiting: dict[Inode, list[Entry]] = {}
        self._count = 0

    def without_content(self, entry: Entry) -> Iterator[Member]:
        """A name whose content was there before, or comes later."""
        if entry.inode in self._first:
            yield _hardlink(entry, self._first[entry.inode])
            return
        self._count += 1
        if self._count > _WAITING_LIMIT:
            raise ArchiveUnreadableError(f"more than {_WAITING_LIMIT} names wait for their content")
        self._waiting.setdefault(entry.inode, []).append(entry)

    def with_content(self, entry: Entry) -> Iterator[Member]:
        """The names that waited for this content."""
        self._first.setdefault(entry.inode, entry.name)
        for waiting in self._waiting.pop(entry.inode, []):
            yield _hardlink(waiting, entry.name)

    def left_over(self) -> Iterator[Member]:
        """Files that are empty, with all their names."""
        for first, *others in self._waiting.values():
            yield Member(name=first.name, mode=stat.S_IMODE(first.mode))
            for other in others:
                yield _hardlink(other, first.name)


def _entry(file: BinaryIO) -> Entry:
    header = _exactly(file, _HEADER_BYTES, "a header")
    if header[:6] not in MAGICS or not _NUMBERS.fullmatch(header[6:]):
        raise ArchiveUnreadableError(f"at byte {file.tell() - _HEADER_BYTES} is no header of a member")
    numbers = [int(header[start : start + 8], 16) for start in range(6, _HEADER_BYTES, 8)]
    inode, mode, links, _, _, _, size, major, minor, _, _, name_size, check = numbers
    if not 2 <= name_size <= _NAME_LIMIT_BYTES:
        raise ArchiveUnreadableError(f"a name of {name_size} bytes")
    start = file.tell()
    name = _exactly(file, _padded(start + name_size) - start, "a name")[:name_size]
    if name[-1]:
        raise ArchiveUnreadableError(f"the name {name[:100]!r} has no end")
    return Entry(
        name=name[:-1].decode("utf-8", "surrogateescape"),
        inode=(major, minor, inode),
        mode=mode,
        links=links,
        size_bytes=size,
        check=check if header[:6] == MAGICS[1] else None,
    )


def _member(entry: Entry, file: BinaryIO) -> Member:
    mode = stat.S_IMODE(entry.mode)
    if entry.kind is MemberKind.FILE:
        return Member(name=entry.name, mode=mode, size_bytes=entry.size_bytes, chunks=_content(entry, file))
    if entry.kind is MemberKind.SYMLINK:
        if entry.size_bytes > _NAME_LIMIT_BYTES:
            raise ArchiveUnreadableError(f"the link {entry.name!r} has a target of {entry.size_bytes} bytes")
        target = b"".join(_content(entry, file)).decode("utf-8", "surrogateescape")
        return Member(name=entry.name, kind=MemberKind.SYMLINK, target=target)
    if entry.kind is MemberKind.FOLDER and entry.size_bytes:
        raise ArchiveUnreadableError(f"the folder {entry.name!r} has content")
    return Member(name=entry.name, kind=entry.kind, mode=mode)


def _hardlink(entry: Entry, target: str) -> Member:
    return Member(name=entry.name, kind=MemberKind.HARDLINK, target=target)


def _content(entry: Entry, file: BinaryIO) -> Iterator[bytes]:
    left, total = entry.size_bytes, 0
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise ArchiveUnreadableError(f"it is cut off in the member {entry.name!r}")
        left -= len(chunk)
        total += sum(chunk) if entry.check is not None else 0
        yield chunk
    if entry.check is not None and total & 0xFFFFFFFF != entry.check:
        raise ArchiveUnreadableError(f"the checksum of the member {entry.name!r} is wrong")


def _require(file: BinaryIO, end: int, name: str, data_end: int) -> None:
    """Go behind a member whose content has been read."""
    if file.tell() < data_end:
        raise ArchiveUnreadableError(f"the content of {name!r} was left out")
    _exactly(file, end - file.tell(), f"the member {name!r}")


def _read_zeros(file: BinaryIO) -> None:
    while chunk := file.read(_CHUNK_BYTES):
        if chunk.strip(b"\0"):
            raise ArchiveUnreadableError("there is more behind the last member")


def _exactly(file: BinaryIO, size_bytes: int, what: str) -> bytes:
    data = file.read(size_bytes)
    if len(data) < size_bytes:
        raise ArchiveUnreadableError(f"it is cut off in {what}")
    return data


def _padded(offset: int) -> int:
    return (offset + 3) & ~3
