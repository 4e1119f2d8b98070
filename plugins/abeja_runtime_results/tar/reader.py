"""Reads the members of a tar, in one pass, holding no more than one extended header."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import attrs
from attrs import define, field

from abeja.runtime import ArchiveRefusedError, ArchiveUnreadableError, Member, MemberKind
from abeja_runtime_results.tar import pax
from abeja_runtime_results.tar.header import BLOCK_BYTES, Header, decoded, number
from abeja_runtime_results.tar.stream import open_stream

_CHUNK_BYTES = 256 * 1024
# A long name has at most 4 KiB on Linux; some programs put hashes and attributes beside it.
_EXTENDED_LIMIT_BYTES = 1024**2
# One member has at most a long name, a long link and an extended header.
_EXTENDED_LIMIT_COUNT = 16
# Entries of the map of one sparse file.
_MAP_LIMIT = 100_000
# Tapes are padded to the size of a record, which is 10 KiB mostly and 1 MiB at times.
_PADDING_LIMIT_BYTES = 16 * 1024**2

_KINDS = {
    b"0": MemberKind.FILE,
    b"\0": MemberKind.FILE,
    b"7": MemberKind.FILE,
    b"S": MemberKind.FILE,
    b"1": MemberKind.HARDLINK,
    b"2": MemberKind.SYMLINK,
    b"5": MemberKind.FOLDER,
    b"D": MemberKind.FOLDER,
}
# Kinds whose size is that of data which follows; a folder of kind D is followed by a list of names.
_WITH_DATA = frozenset({b"0", b"\0", b"7", b"S", b"D"})
_VOLUME_LABEL = b"V"


def read(path: Path) -> Iterator[Member]:
    """The members of the tar at `path`."""
    with path.open("rb") as file, open_stream(file) as stream:
        yield from _Reader(stream).members()


@define
class _Extended:
    """What precedes the header of a member and changes it."""

    name: str | None = None
    link: str | None = None
    records: pax.Records = field(factory=list)
    count: int = 0

    def value(self, key: str) -> bytes | None:
        """The last value of a key; an empty one counts as none."""
        return next((value for name, value in reversed(self.records) if name == key and value), None)


class _Reader:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        # What is left of the content of the last member, with its padding.
        self._left_bytes = 0

    def members(self) -> Iterator[Member]:
        extended = _Extended()
        while (header := self._header()) is not None:
            if self._take_extended(header, extended):
                continue
            if header.kind != _VOLUME_LABEL:
                yield self._member(header, extended)
            self._skip()
            extended = _Extended()
        self._read_to_end()

    def _header(self) -> Header | None:
        block = self._read(BLOCK_BYTES, "it is cut off: there is no end mark")
        return Header.parse(block) if any(block) else None

    def _take_extended(self, header: Header, extended: _Extended) -> bool:
        """Whether a header belongs to the next member or to all that follow."""
        if header.kind not in b"LKxXg":
            return False
        extended.count += 1
        if header.size_bytes > _EXTENDED_LIMIT_BYTES or extended.count > _EXTENDED_LIMIT_COUNT:
            raise ArchiveRefusedError(
                f"it has extended headers without measure: number {extended.count}, of {header.size_bytes} bytes"
            )
        data = self._read(_padded(header.size_bytes))[: header.size_bytes]
        if header.kind == b"L":
            extended.name = decoded(data.rstrip(b"\0"))
        elif header.kind == b"K":
            extended.link = decoded(data.rstrip(b"\0"))
        elif header.kind == b"g":
            _check_global(pax.parse(data))
        else:
            extended.records += pax.parse(data)
        return True

    def _member(self, header: Header, extended: _Extended) -> Member:
        given_size = extended.value("size")
        size_bytes = header.size_bytes if given_size is None else pax.decimal(given_size)
        path = extended.value("GNU.sparse.name") or extended.value("path")
        link = extended.value("linkpath")
        kind = _KINDS.get(header.kind, MemberKind.SPECIAL)
        member = Member(
            name=decoded(path) if path is not None else header.name if extended.name is None else extended.name,
            kind=kind,
            mode=header.mode,
            target=decoded(link) if link is not None else header.link if extended.link is None else extended.link,
        )
        self._left_bytes = _padded(size_bytes) if header.kind in _WITH_DATA else 0
        if kind is not MemberKind.FILE:
            return member
        if member.name.endswith("/"):
            # Before ustar, a folder was a file with this name.
            return attrs.evolve(member, kind=MemberKind.FOLDER)
        return self._file(member, header, extended, size_bytes)

    def _file(self, member: Member, header: Header, extended: _Extended, size_bytes: int) -> Member:
        sparse = pax.sparse_map(extended.records)
        real = extended.value("GNU.sparse.realsize") or extended.value("GNU.sparse.size")
        if extended.value("GNU.sparse.major") is not None:
            sparse, used = self._map_in_data(size_bytes)
            size_bytes -= used
        elif header.kind == b"S":
            sparse = self._map_in_header(header.block)
            real = b"%d" % number(header.block[483:495])
        if sparse is None:
            return attrs.evolve(member, size_bytes=size_bytes, chunks=self._data(size_bytes))
        if real is None:
            raise ArchiveUnreadableError(f"the sparse file {member.name!r} has no size")
        real_bytes = pax.decimal(real)
        _check_map(member.name, sparse, real_bytes, size_bytes)
        return attrs.evolve(member, size_bytes=real_bytes, chunks=self._expanded(sparse, real_bytes))

    def _map_in_data(self, size_bytes: int) -> tuple[list[tuple[int, int]], int]:
        """The map of format 1.0: decimal lines at the beginning of the content, padded to a block."""
        lines: list[bytes] = []
        pending, used, wanted = b"", 0, 1
        while len(lines) < wanted:
            if used + BLOCK_BYTES > _padded(size_bytes):
                raise ArchiveUnreadableError("the map of a sparse file is damaged")
            pending += self._content(BLOCK_BYTES)
            used += BLOCK_BYTES
            *complete, pending = pending.split(b"\n")
            lines += complete
            if lines and wanted == 1:
                wanted = 1 + 2 * min(pax.decimal(lines[0]), _MAP_LIMIT + 1)
            _check_map_length(wanted // 2)
        return pax.pairs([pax.decimal(line) for line in lines[1:wanted]]), used

    def _map_in_header(self, block: bytes) -> list[tuple[int, int]]:
        """The map of GNU's first format: four entries, then blocks of 21 more."""
        entries, is_continued = _entries(block[386:482]), block[482] != 0
        while is_continued:
            _check_map_length(len(entries))
            extension = self._read(BLOCK_BYTES)
            entries += _entries(extension[:504])
            is_continued = extension[504] != 0
        return entries

    def _expanded(self, sparse: Sequence[tuple[int, int]], real_bytes: int) -> Iterator[bytes]:
        position = 0
        for offset, length in sparse:
            yield from _zeros(offset - position)
            yield from self._data(length)
            position = offset + length
        yield from _zeros(real_bytes - position)

    def _data(self, size_bytes: int) -> Iterator[bytes]:
        while size_bytes:
            chunk = self._content(min(size_bytes, _CHUNK_BYTES))
            size_bytes -= len(chunk)
            yield chunk

    def _content(self, size_bytes: int) -> bytes:
        self._left_bytes -= size_bytes
        return self._read(size_bytes)

    def _skip(self) -> None:
        if self._left_bytes > _PADDING_LIMIT_BYTES:
            raise ArchiveRefusedError(f"a folder has {self._left_bytes} bytes of data")
        while self._left_bytes > 0:
            self._content(min(self._left_bytes, _CHUNK_BYTES))

    def _read(self, size_bytes: int, problem: str = "it is cut off in the middle of a member") -> bytes:
        data = self._stream.read(size_bytes)
        while len(data) < size_bytes:
            more = self._stream.read(size_bytes - len(data))
            if not more:
                raise ArchiveUnreadableError(problem)
            data += more
        return data

    def _read_to_end(self) -> None:
        """Read what pads the archive, so that the checksum behind it is compared."""
        size = 0
        while data := self._stream.read(_CHUNK_BYTES):
            size += len(data)
            if size > _PADDING_LIMIT_BYTES or any(data):
                raise ArchiveRefusedError("there is data behind its end mark")


def _check_global(records: pax.Records) -> None:
    for key, _ in records:
        if key in ("path", "linkpath", "size") or key.startswith("GNU.sparse."):
            raise ArchiveRefusedError(f"a global header sets the {key} of all members")


def _check_map_length(entries: int) -> None:
    if entries > _MAP_LIMIT:
        raise ArchiveRefusedError(f"a sparse file has more than {_MAP_LIMIT} pieces")


def _check_map(name: str, sparse: Sequence[tuple[int, int]], real_bytes: int, stored_bytes: int) -> None:
    position = 0
    for offset, length in sparse:
        if offset < position or offset + length > real_bytes:
            raise ArchiveRefusedError(f"the pieces of the sparse file {name!r} overlap or lie outside of it")
        position = offset + length
    if sum(length for _, length in sparse) != stored_bytes:
        raise ArchiveUnreadableError(f"the map of the sparse file {name!r} does not agree with its content")


def _entries(data: bytes) -> list[tuple[int, int]]:
    fields = [data[start : start + 12] for start in range(0, len(data), 12)]
    entries = pax.pairs([number(item) for item in fields])
    # Unused ones are all NUL.
    return [entry for entry, used in zip(entries, fields[::2], strict=True) if used[0]]


def _zeros(size_bytes: int) -> Iterator[bytes]:
    while size_bytes > 0:
        yield bytes(min(size_bytes, _CHUNK_BYTES))
        size_bytes -= _CHUNK_BYTES


def _padded(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES
