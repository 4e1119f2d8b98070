"""The file of an answer that is too large for a frame."""

import binascii
import os
from typing import Any, Callable, Iterable, Tuple

from . import failure

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Our own: user code may replace those of the module.
_open, _write, _close, _unlink, _random = os.open, os.write, os.close, os.unlink, os.urandom


def write(pieces: Iterable[bytes], folder: str) -> Tuple[str, int]:
    """Write the pieces to a new file, which the server takes away.

    Returns:
        Its path and its size.

    Raises:
        StorageError: it could not be written.
        BaseException: whatever the user's code raised while it made the pieces. Nothing is left of the file.
    """
    path = "%s/answer-%s" % (folder, binascii.hexlify(_random(8)).decode("ascii"))
    handle: int = _stored(_open, path, _NEW, 0o600)
    try:
        try:
            size = sum(_write_all(handle, piece) for piece in pieces)
        finally:
            _close(handle)
    except BaseException:
        _unlink(path)
        raise
    return path, size


def _write_all(handle: int, piece: bytes) -> int:
    view = memoryview(piece).cast("B")
    written = 0
    while written < len(view):
        written += _stored(_write, handle, view[written:])
    return written


def _stored(action: Callable[..., Any], *args: Any) -> Any:
    """What `action` returns; it stores a part of the answer."""
    try:
        return action(*args)
    except OSError as error:
        raise failure.StorageError("the worker could not store the answer: %s" % error) from error
