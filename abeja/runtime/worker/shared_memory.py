"""Memory that the server and a worker share, for bodies that are too large for a frame and too small for a file.

::

    0                       head                head + 64 KiB
    +-----------------------+-------------------+-------------------+-- ...
    | a byte for each block | block 0           | block 1           |
    | 0: free, 1: taken     |                   |                   |
    +-----------------------+-------------------+-------------------+-- ...
      rounded up to pages

A body lies in as many blocks behind each other as it needs. Only one side takes blocks. Whoever has done with a body
gives them back, by writing zeros over their bytes in the head: that needs no message.
"""

import mmap
import os
from typing import Any, Iterable, Optional, Union

try:
    from _thread import allocate_lock
except ImportError:  # a Python without threads
    from _dummy_thread import allocate_lock  # type: ignore[import-not-found, no-redef, unused-ignore] # gone since 3.9

BLOCK_BYTES = 64 * 1024
# Larger bodies are files: what is copied all at once keeps others waiting, and few of them would fill the memory.
BODY_LIMIT_BYTES = 4 * 1024 * 1024

# Our own: user code may replace that of the module.
_fallocate = os.posix_fallocate


def size_of(blocks: int) -> int:
    """How many bytes a memory of so many blocks has. There may be up to 65535 of them."""
    return _head_of(blocks) + blocks * BLOCK_BYTES


def _blocks_in(size: int) -> int:
    blocks = size // BLOCK_BYTES
    # Where pages are large or blocks many, the head is as large as a block.
    return blocks if size_of(blocks) <= size else blocks - 1


def _head_of(blocks: int) -> int:
    return -(-blocks // mmap.PAGESIZE) * mmap.PAGESIZE


class SharedMemory(object):
    """One side's view of it.

    Args:
        fd: a file of `size_of` some blocks; whoever calls keeps it open as long as blocks are taken.
        is_writable: whether blocks are taken or given back here.
    """

    def __init__(self, fd: int, *, is_writable: bool) -> None:
        self._fd = fd
        self._blocks = _blocks_in(os.fstat(fd).st_size)
        self._head = _head_of(self._blocks)
        self._memory: Any = mmap.mmap(
            fd, 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | (mmap.PROT_WRITE if is_writable else 0)
        )
        # Of the blocks before this one, the system has given us the memory.
        self._backed = 0
        self._lock = allocate_lock()

    @staticmethod
    def blocks_of(size: int) -> int:
        """How many blocks a body of `size` bytes needs."""
        return -(-size // BLOCK_BYTES)

    def take(self, size: int) -> Optional[int]:
        """Blocks for a body of `size` bytes: the number of the first; None if there is no place for it."""
        count = self.blocks_of(size)
        with self._lock:
            first: int = self._memory.find(b"\0" * count, 0, self._blocks)
            if first < 0 or size > BODY_LIMIT_BYTES or not self._is_backed(first + count):
                return None
            self._memory[first : first + count] = b"\1" * count
            return first

    def give_back(self, first: int, count: int) -> None:
        """So many blocks from `first` on are not needed any more."""
        self._memory[first : first + count] = bytes(count)

    def has(self, first: Any, size: Any) -> bool:
        """Whether a body may lie there, as far as the numbers tell."""
        if type(first) is not int or type(size) is not int:
            return False
        return first >= 0 and 0 < size <= BODY_LIMIT_BYTES and first + self.blocks_of(size) <= self._blocks

    def write(self, first: int, pieces: Iterable[Union[bytes, memoryview]]) -> None:
        """Put `pieces` behind each other, from the beginning of the block `first` on."""
        at = self._at(first)
        for piece in pieces:
            self._memory[at : at + len(piece)] = piece
            at += len(piece)

    def read(self, first: int, size: int) -> bytes:
        """A copy of `size` bytes from the block `first` on."""
        at = self._at(first)
        data: bytes = self._memory[at : at + size]
        return data

    def view(self, first: int, size: int) -> memoryview:
        """`size` bytes from the block `first` on, as they are."""
        at = self._at(first)
        return memoryview(self._memory)[at : at + size]

    def _at(self, first: int) -> int:
        return self._head + first * BLOCK_BYTES

    def _is_backed(self, end: int) -> bool:
        """Whether there is memory for the blocks before `end`; touching them without it would end the process."""
        if end <= self._backed:
            return True
        try:
            _fallocate(self._fd, 0, self._at(end))
        except OSError:
            return False
        self._backed = end
        return True
