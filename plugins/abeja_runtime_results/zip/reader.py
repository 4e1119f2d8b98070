"""Reads the members of a zip in the order of their data, and compares everything that is said twice."""

import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from abeja.runtime import ArchiveRefusedError, ArchiveUnreadableError, Member, MemberKind
from abeja_runtime_results.zip.content import content
from abeja_runtime_results.zip.directory import ALL_32, Directory, Entry, extra_fields, wide

_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP_64 = 0x0001
_UNIX, _MACOS = 3, 19
# Encrypted by the format's own cipher, by a strong one, or with a hidden directory.
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR = 0x0008
# As long as paths are on Linux.
_LINK_LIMIT_BYTES = 4096

_KINDS = {0: MemberKind.FILE, stat.S_IFREG: MemberKind.FILE, stat.S_IFDIR: MemberKind.FOLDER}


def read(path: Path) -> Iterator[Member]:
    """The members of the zip at `path`."""
    with path.open("rb") as file:
        directory = Directory.find(file)
        entries = sorted(directory.entries(file), key=lambda entry: entry.offset)
        starts = [*(entry.offset for entry in entries), directory.start]
        if starts[0] != 0:
            raise ArchiveRefusedError("there is data in front of its first member")
        for entry, end in zip(entries, starts[1:], strict=True):
            start = _check_local(file, entry, end)
            yield _member(file, entry, start)


def _member(file: BinaryIO, entry: Entry, start: int) -> Member:
    is_unix = entry.system in (_UNIX, _MACOS)
    mode = entry.attributes >> 16 if is_unix else 0
    kind = _KINDS.get(stat.S_IFMT(mode), MemberKind.SPECIAL)
    if stat.S_ISLNK(mode):
        target = b"".join(content(file, _short(entry), start)).decode("utf-8", "surrogateescape")
        return Member(name=entry.name, kind=MemberKind.SYMLINK, target=target)
    if entry.name.endswith("/") and kind in (MemberKind.FILE, MemberKind.FOLDER):
        kind = MemberKind.FOLDER
        if entry.size_bytes:
            raise ArchiveRefusedError(f"the folder {entry.name!r} has {entry.size_bytes} bytes of data")
    chunks = content(file, entry, start) if kind is MemberKind.FILE else ()
    permissions = stat.S_IMODE(mode) or 0o644
    return Member(name=entry.name, kind=kind, mode=permissions, size_bytes=entry.size_bytes, chunks=chunks)


def _short(entry: Entry) -> Entry:
    if entry.size_bytes > _LINK_LIMIT_BYTES:
        raise ArchiveRefusedError(f"the link {entry.name!r} has a target of {entry.size_bytes} bytes")
    return entry


def _check_local(file: BinaryIO, entry: Entry, end: int) -> int:
    """Compare the local header; returns where the data begin."""
    if entry.flags & _ENCRYPTED:
        raise ArchiveRefusedError(
            f"the member {entry.name!r} is encrypted", hint="decrypt it: make the archive again without a password."
        )
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) != _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise ArchiveUnreadableError(f"the member {entry.name!r} is not where the central directory says")
    _, _, flags, method, _, _, crc, compressed, size, name_size, extra_size = _LOCAL.unpack(header)
    raw_name, extra = file.read(name_size), file.read(extra_size)
    size, compressed = wide(extra_fields(extra).get(_ZIP_64, b""), size, compressed)
    described = (entry.raw_name, entry.flags, entry.method, entry.crc, entry.compressed_bytes, entry.size_bytes)
    found = (raw_name, flags, method, crc, compressed, size)
    if flags & _DESCRIPTOR:
        # The numbers are behind the data; here they may be given, or not.
        found = (*found[:3], *(e if f in (0, ALL_32) else f for f, e in zip(found[3:], described[3:], strict=True)))
    if found != described:
        raise ArchiveRefusedError(
            f"the member {entry.name!r} is another one in its own header ({_name(raw_name)!r}) than in the directory"
        )
    start = file.tell()
    _check_end(file, entry, start + entry.compressed_bytes, end)
    return start


def _check_end(file: BinaryIO, entry: Entry, data_end: int, end: int) -> None:
    """See that the next thing begins where the member ends."""
    if data_end > end:
        raise ArchiveRefusedError(f"the member {entry.name!r} overlaps with the next one")
    if data_end == end:
        return
    file.seek(data_end)
    rest = file.read(min(end - data_end, 32))
    values = (entry.crc, entry.compressed_bytes, entry.size_bytes)
    descriptors = [struct.pack(form, *values) for form in ("<3L", "<L2Q") if form != "<3L" or max(values) <= ALL_32]
    descriptors += [b"PK\x07\x08" + descriptor for descriptor in descriptors]
    if not entry.flags & _DESCRIPTOR or len(rest) != end - data_end or rest not in descriptors:
        raise ArchiveRefusedError(f"behind the member {entry.name!r} is data that belongs to none")


def _name(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
