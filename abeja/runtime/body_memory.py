"""Memory for bodies that the server shares with its workers, as the server makes it; see `worker.shared_memory`."""

import contextlib
import fcntl
import os
from typing import Self

from abeja.runtime.messages import SharedBody
from abeja.runtime.worker.shared_memory import BLOCK_BYTES, SharedMemory, size_of

# What `abeja.runtime.worker.shared_memory` can count, which is 4 GiB.
_BLOCKS_LIMIT = 65535
# From <linux/fcntl.h>; the module has it since Python 3.13. Whoever maps the file from then on can only read it.
_F_SEAL_FUTURE_WRITE = 0x0010


class BodyMemory:
    """One such memory: for the requests of all workers, or for the answers of one.

    It takes up only what has been used of it: the blocks at its beginning are used first.

    Args:
        descriptor: its file, which has no name; closed by `close_file`, if workers need not inherit it for ever.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = SharedMemory(descriptor, is_writable=True)

    @classmethod
    def create(cls, size_bytes: int, *, is_read_only: bool = False) -> Self | None:
        """A new one; None if it would have no block, or if the system has no such memory.

        Args:
            size_bytes: for bodies.
            is_read_only: whether other processes can only read it.
        """
        blocks = min(size_bytes // BLOCK_BYTES, _BLOCKS_LIMIT)
        if blocks == 0:
            return None
        with contextlib.ExitStack() as undo:
            try:
                descriptor = os.memfd_create("abeja-runtime-bodies", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                undo.callback(os.close, descriptor)
                os.ftruncate(descriptor, size_of(blocks))
                # A worker that makes it shorter would end the server, which reads it.
                fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
                memory = cls(descriptor)
                if is_read_only:
                    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _F_SEAL_FUTURE_WRITE)
            except (OSError, AttributeError):  # the system has none, or had none where this Python was built
                return None
            undo.pop_all()
        return memory

    def fileno(self) -> int:
        """Its file, for a worker to inherit."""
        return self._descriptor

    def close_file(self) -> None:
        """No other process will inherit it, and no block be taken here: the memory is there as long as it is used."""
        os.close(self._descriptor)

    def reserve(self, size_bytes: int) -> SharedBody | None:
        """A place for a body of up to so many bytes; None if there is none now, or if it is too large."""
        first = self._memory.take(size_bytes)
        return None if first is None else SharedBody(self._memory, first, size_bytes)

    def body(self, first: object, size_bytes: object) -> SharedBody | None:
        """The body that a worker has put there; None if these are no numbers of one."""
        if not self._memory.has(first, size_bytes):
            return None
        return SharedBody(self._memory, first, size_bytes)  # type: ignore[arg-type] # `has` has looked
