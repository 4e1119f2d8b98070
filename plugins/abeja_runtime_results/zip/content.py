"""The content of one member of a zip: decompressed, counted and compared with its checksum."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from abeja.runtime import ArchiveRefusedError, ArchiveUnreadableError
from abeja_runtime_results.zip.directory import Entry

_READ_BYTES = 256 * 1024
# What a member may make the decompressor take; programs use 64 MiB at most.
_LZMA_MEMORY_BYTES = 256 * 1024**2


class _Decompressor(Protocol):
    """What bz2 and lzma have."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def content(file: BinaryIO, entry: Entry, start: int) -> Iterator[bytes]:
    """The pieces of a member.

    Args:
        file: the archive.
        entry: the member.
        start: where its data begin.

    Raises:
        ArchiveUnreadableError: they are damaged or cut off.
        ArchiveRefusedError: their size is another one than the directory says, or how they are
            compressed is not known.
    """
    file.seek(start)
    pieces = _stored(file, entry) if entry.method == 0 else _decompressed(file, entry)
    size, crc = 0, 0
    for piece in pieces:
        size += len(piece)
        if size > entry.size_bytes:
            break
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != entry.size_bytes:
        raise ArchiveRefusedError(f"the member {entry.name!r} has not the size that the directory says")
    if crc != entry.crc:
        raise ArchiveUnreadableError(f"the member {entry.name!r} is damaged: its CRC is wrong")


def _stored(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.compressed_bytes
    while left and (data := file.read(min(left, _READ_BYTES))):
        left -= len(data)
        yield data


def _decompressed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    make = _DECOMPRESSORS.get(entry.method)
    if make is None:
        raise ArchiveRefusedError(
            f"the member {entry.name!r} is compressed by method {entry.method}",
            hint="make the archive again; deflate, bzip2 and LZMA are known.",
        )
    decompressor, left = make(file, entry.compressed_bytes)
    while True:
        data = b""
        if decompressor.needs_input:
            data = file.read(min(left, _READ_BYTES))
            left -= len(data)
        piece = decompressor.decompress(data, _READ_BYTES)
        if piece:
            yield piece
        if decompressor.eof:
            break
        if not data and not piece and decompressor.needs_input:
            if entry.method == _LZMA:
                # It need not mark its end; size and checksum are compared all the same.
                return
            raise ArchiveUnreadableError(f"the member {entry.name!r} is cut off")
    if left or decompressor.unused_data:
        raise ArchiveRefusedError(f"the member {entry.name!r} has data behind its end")


class _Deflate:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _lzma(file: BinaryIO, left: int) -> tuple[_Decompressor, int]:
    """LZMA1 behind a header of version and properties (APPNOTE 5.8.8)."""
    header = file.read(4)
    properties = file.read(int.from_bytes(header[2:4], "little")) if left > 9 else b""
    if len(properties) != 5:
        raise ArchiveUnreadableError("a member that is compressed by LZMA has no properties")
    packed, dictionary = properties[0], int.from_bytes(properties[1:], "little")
    if dictionary > _LZMA_MEMORY_BYTES:
        raise ArchiveRefusedError(f"a member needs {dictionary} bytes of memory to be decompressed")
    lc, lp, pb = packed % 9, packed // 9 % 5, packed // 45
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lc, "lp": lp, "pb": pb}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), left - len(header) - len(properties)


_DEFLATE, _BZIP2, _LZMA = 8, 12, 14
_DECOMPRESSORS: dict[int, Callable[[BinaryIO, int], tuple[_Decompressor, int]]] = {
    _DEFLATE: lambda _, left: (_Deflate(), left),
    _BZIP2: lambda _, left: (bz2.BZ2Decompressor(), left),
    _LZMA: _lzma,
}
