"""The central directory of a zip.

::

    local header · name · extra · data · [descriptor]     once for each member
    central header · name · extra · comment               once for each member
    [zip64 end record · zip64 locator] · end record · comment

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from attrs import frozen

from abeja.runtime import ArchiveRefusedError, ArchiveUnreadableError

_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
# A comment has at most 64 KiB.
_TAIL_BYTES = _END.size + 0xFFFF
# More members than that are refused anyway; each takes a few hundred bytes of memory here.
_ENTRIES_LIMIT = 250_000

ALL_16, ALL_32 = 0xFFFF, 0xFFFFFFFF
_ZIP_64, _UNICODE_PATH = 0x0001, 0x7075
_UTF_8 = 0x800


@frozen(kw_only=True)
class Entry:
    """A member as the central directory describes it.

    Attributes:
        name: as text.
        raw_name: as it stands in the file.
        system: that made it; 3 is Unix.
        attributes: of the system, Unix's in the upper half.
        offset: of its local header.
    """

    name: str
    raw_name: bytes
    system: int
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    attributes: int
    offset: int


@frozen(kw_only=True)
class Directory:
    """Where the central directory is.

    Attributes:
        start: its offset.
        size_bytes: its length.
        count: how many members it has.
    """

    start: int
    size_bytes: int
    count: int

    @classmethod
    def find(cls, file: BinaryIO) -> "Directory":
        """Read the end record.

        Raises:
            ArchiveUnreadableError: there is none that ends the file.
            ArchiveRefusedError: there is more than one, or the archive has several parts.
        """
        position, fields = _end_record(file)
        directory = cls(start=fields[6], size_bytes=fields[5], count=fields[4])
        is_split = fields[1] not in (0, ALL_16) or fields[2] not in (0, ALL_16) or fields[3] != fields[4]
        if position >= _LOCATOR.size:
            file.seek(position - _LOCATOR.size)
            locator = _LOCATOR.unpack(file.read(_LOCATOR.size))
            if locator[0] == b"PK\x06\x07":
                directory, is_split = directory._in_64_bits(file, locator[2], position - _LOCATOR.size)
                position = locator[2]
        if is_split:
            raise ArchiveRefusedError("it is one part of several")
        if directory.start + directory.size_bytes != position:
            raise ArchiveUnreadableError("its central directory is not where its end says")
        if directory.count > _ENTRIES_LIMIT:
            raise ArchiveRefusedError(f"it has {directory.count} members")
        return directory

    def entries(self, file: BinaryIO) -> Iterator[Entry]:
        """The members, in the order of the directory.

        Raises:
            ArchiveUnreadableError: it is damaged.
        """
        file.seek(self.start)
        left = self.size_bytes
        for _ in range(self.count):
            entry, size = _entry(file)
            left -= size
            yield entry
        if left:
            raise ArchiveUnreadableError("its central directory has another size than its end says")

    def _in_64_bits(self, file: BinaryIO, offset: int, end: int) -> tuple["Directory", bool]:
        """The same from the zip64 end record, which must agree with what fits into the other one."""
        file.seek(offset if offset < end else 0)
        record = file.read(_END_64.size)
        if len(record) != _END_64.size or not record.startswith(b"PK\x06\x06"):
            raise ArchiveUnreadableError("its zip64 end record is not where its locator says")
        _, size, _, _, disk, directory_disk, disk_count, count, size_bytes, start = _END_64.unpack(record)
        if offset + 12 + size != end:
            raise ArchiveUnreadableError("its zip64 end record has a wrong size")
        for small, large, everything in (
            (self.count, count, ALL_16),
            (self.size_bytes, size_bytes, ALL_32),
            (self.start, start, ALL_32),
        ):
            if small not in (large, everything):
                raise ArchiveRefusedError("its two end records contradict each other")
        is_split = bool(disk or directory_disk or disk_count != count)
        return Directory(start=start, size_bytes=size_bytes, count=count), is_split


def _end_record(file: BinaryIO) -> tuple[int, tuple[int, ...]]:
    size = file.seek(0, 2)
    tail_start = max(0, size - _TAIL_BYTES)
    file.seek(tail_start)
    tail = file.read()
    found = []
    index = tail.rfind(b"PK\x05\x06")
    while index >= 0:
        if len(tail) - index >= _END.size:
            fields = _END.unpack_from(tail, index)
            is_last = index + _END.size + fields[7] == len(tail)
            is_whole = fields[5] + fields[6] == tail_start + index
            if is_last or is_whole:
                found.append((tail_start + index, fields))
        index = tail.rfind(b"PK\x05\x06", 0, index)
    if not found:
        raise ArchiveUnreadableError("it is cut off, or has data behind its end")
    if len(found) > 1:
        raise ArchiveRefusedError("it has more than one end record, so that programs differ in what is in it")
    position, fields = found[0]
    if position + _END.size + fields[7] != size:
        raise ArchiveRefusedError("there is data behind its end")
    return position, fields


def _entry(file: BinaryIO) -> tuple[Entry, int]:
    header = file.read(_CENTRAL.size)
    if len(header) != _CENTRAL.size or not header.startswith(b"PK\x01\x02"):
        raise ArchiveUnreadableError("its central directory is damaged")
    # signature, made by (version, system), needed (version, system), flags, method, time, date, crc, sizes, ...
    fields = _CENTRAL.unpack(header)
    system, flags, method, crc, compressed, size = fields[2], fields[5], fields[6], *fields[9:12]
    name_size, extra_size, comment_size, disk, _, attributes, offset = fields[12:]
    raw_name, extra, comment = file.read(name_size), file.read(extra_size), file.read(comment_size)
    if len(comment) != comment_size or disk not in (0, ALL_16):
        raise ArchiveUnreadableError("its central directory is damaged")
    extras = extra_fields(extra)
    size, compressed, offset = wide(extras.get(_ZIP_64, b""), size, compressed, offset)
    entry = Entry(
        name=_name(raw_name, flags, extras.get(_UNICODE_PATH, b"")),
        raw_name=raw_name,
        system=system,
        flags=flags,
        method=method,
        crc=crc,
        compressed_bytes=compressed,
        size_bytes=size,
        attributes=attributes,
        offset=offset,
    )
    return entry, _CENTRAL.size + name_size + extra_size + comment_size


def extra_fields(data: bytes) -> dict[int, bytes]:
    """Extra fields by their numbers; what is behind the last whole one is padding.

    Raises:
        ArchiveRefusedError: one is there twice.
    """
    fields: dict[int, bytes] = {}
    while len(data) >= 4:
        number, size = struct.unpack_from("<2H", data)
        if number in fields and number in (_ZIP_64, _UNICODE_PATH):
            raise ArchiveRefusedError("a member has two extra fields of one kind")
        fields[number], data = data[4 : 4 + size], data[4 + size :]
    return fields


def wide(extra: bytes, *values: int) -> list[int]:
    """Values of which those that are all ones stand in a zip64 field, one after the other.

    Raises:
        ArchiveUnreadableError: the field is too short.
    """
    result = []
    for value in values:
        if value == ALL_32 and extra:
            if len(extra) < 8:
                raise ArchiveUnreadableError("a zip64 field is cut off")
            result.append(int.from_bytes(extra[:8], "little"))
            extra = extra[8:]
        else:
            result.append(value)
    return result


def _name(raw: bytes, flags: int, unicode_path: bytes) -> str:
    """The name: UTF-8 if it says so or is, else in the code page that the format began with."""
    if unicode_path[:5] == b"\x01" + zlib.crc32(raw).to_bytes(4, "little"):
        raw, flags = unicode_path[5:], _UTF_8
    if flags & _UTF_8:
        return raw.decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")
