"""A large body, as what is sent piece by piece."""

import os
from typing import BinaryIO, Protocol

from abeja.runtime.messages import SharedBody
from abeja.runtime.server.connection import Connection


class BodySource(Protocol):
    """Where the pieces come from."""

    def send(self, connection: Connection, offset: int, size_bytes: int) -> int:
        """Send what the system takes at once of so many bytes from `offset` on.

        Returns:
            How many bytes that were; 0 at the end of the body.

        Raises:
            OSError: it takes nothing now, the connection has closed, or this body cannot be sent like that.
        """

    def read(self, offset: int, size_bytes: int) -> bytes:
        """A copy of up to so many bytes.

        Raises:
            OSError: they cannot be read.
        """

    def close(self) -> None:
        """Nothing more is asked of it."""


class FileSource:
    """A file, which is closed with it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def send(self, connection: Connection, offset: int, size_bytes: int) -> int:
        """See `BodySource`."""
        return os.sendfile(connection.unused_descriptor(), self._file.fileno(), offset, size_bytes)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `BodySource`."""
        return os.pread(self._file.fileno(), size_bytes, offset)

    def close(self) -> None:
        """See `BodySource`."""
        self._file.close()


class MemorySource:
    """A body in shared memory, which is removed with it."""

    def __init__(self, body: SharedBody) -> None:
        self._body = body

    def send(self, connection: Connection, offset: int, size_bytes: int) -> int:
        """See `BodySource`."""
        # Copied by the system, not lent to it as with sendfile: the next body may come here before the client has it.
        return os.write(connection.unused_descriptor(), self._body.view()[offset : offset + size_bytes])

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `BodySource`."""
        return bytes(self._body.view()[offset : offset + size_bytes])

    def close(self) -> None:
        """See `BodySource`."""
        self._body.remove()
