"""Bytes and file objects in the worker, sent as they are."""

import array
import io
from typing import Any, Iterable, Iterator

# Read so much of a file at a time: what the worker puts into one frame.
_READ_BYTES = 64 * 1024

# What is asked most often; the classes of `io` are abstract ones and slow to ask.
_NEVER_FILES = (dict, str, list, tuple)


class Encoder(object):
    """Sends bytes-likes and binary files unchanged; text files line by line.

    Args:
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, media_type: str) -> None:
        pass

    def claims(self, content: Any) -> bool:
        """Bytes are one value, not a stream of integers; so is a binary file."""
        if type(content) in _NEVER_FILES:
            return False
        return isinstance(content, (bytes, bytearray, memoryview, io.RawIOBase, io.BufferedIOBase))

    def accepts(self, value: Any) -> bool:
        """A bytes-like element, or a binary file."""
        if type(value) in _NEVER_FILES:
            return False
        return self.claims(value) or isinstance(value, array.array)

    def encode(self, value: Any, *, is_first: bool) -> Iterable[bytes]:
        """The bytes themselves; never anything between two elements."""
        if isinstance(value, bytes):
            return (value,)
        if isinstance(value, (io.RawIOBase, io.BufferedIOBase)):
            return _read(value)
        return (bytes(value),)


def _read(file: Any) -> Iterator[bytes]:
    while True:
        data = file.read(_READ_BYTES)
        if not data:
            return
        yield data
