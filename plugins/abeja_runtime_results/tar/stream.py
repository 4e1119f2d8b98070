"""The bytes of a tar, out of whatever it is compressed with, forwards and to the end."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from abeja.runtime import ArchiveUnreadableError
from abeja_runtime_results.tar.header import BLOCK_BYTES, has_checksum

_READ_BYTES = 256 * 1024
# What `xz -9` needs is 65 MiB; a file may ask for 4 GiB.
_XZ_MEMORY_BYTES = 256 * 1024**2

_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"


def is_tar(path: Path) -> bool:
    """Whether a file is a tar, compressed or not, or is compressed and too damaged to tell."""
    with path.open("rb") as file:
        try:
            block = open_stream(file).read(BLOCK_BYTES)
        except (ArchiveUnreadableError, OSError, EOFError, zlib.error, lzma.LZMAError):
            # What is wrong is said when it is read.
            return True
    return len(block) == BLOCK_BYTES and (has_checksum(block) or not any(block) or block[257:262] == b"ustar")


def open_stream(file: BinaryIO) -> BinaryIO:
    """The decompressed bytes of an open file."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if magic.startswith(_BZIP2):
        return io.BufferedReader(_Streams(file, bz2.BZ2Decompressor), _READ_BYTES)
    if magic.startswith(_XZ):
        return io.BufferedReader(_Streams(file, _xz), _READ_BYTES)
    return file


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


class _Streams(io.RawIOBase):
    """One compressed stream after another, as they may be concatenated, with a limit on memory."""

    def __init__(self, file: BinaryIO, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> None:
        self._file = file
        self._make = make
        self._decompressor = make()
        self._pending = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    # The parameter is the one of io.RawIOBase.
    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # its type is wider
        """Fill `buffer`; 0 at the end of the last stream."""
        data = b""
        while not data:
            if self._decompressor.eof and not self._next_stream():
                return 0
            data = self._decompressor.decompress(self._input(), max_length=len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _input(self) -> bytes:
        if not self._decompressor.needs_input:
            return b""
        data, self._pending = self._pending or self._file.read(_READ_BYTES), b""
        if not data:
            raise ArchiveUnreadableError("the compressed stream is cut off")
        return data

    def _next_stream(self) -> bool:
        rest = self._decompressor.unused_data
        # xz and pipes pad with zeros.
        while not rest.lstrip(b"\0"):
            rest = self._file.read(_READ_BYTES)
            if not rest:
                return False
        self._decompressor = self._make()
        self._pending = rest.lstrip(b"\0")
        return True
