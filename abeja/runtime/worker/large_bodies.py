"""The bodies that are too large for a frame: in memory that the server shares, if it does, or in files."""

import binascii
import itertools
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from . import failure
from .high_descriptor import moved
from .shared_memory import BODY_LIMIT_BYTES, SharedMemory

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Our own: user code may replace those of the module.
_open, _write, _close, _unlink, _random = os.open, os.write, os.close, os.unlink, os.urandom
_getpid = os.getpid

_Piece = Union[bytes, memoryview]


class LargeBodies(object):
    """Where the requests' are found, and where the answers' are put.

    Args:
        folder: for files.
        memory: the descriptors of the memory for requests and of that for answers, or of the first one only, or none.

    Attributes:
        folder: see above.
    """

    def __init__(self, folder: str, memory: Sequence[int] = ()) -> None:
        self.folder = folder
        self._requests: Optional[SharedMemory] = None
        self._answers: Optional[SharedMemory] = None
        descriptors = [moved(descriptor) for descriptor in memory]
        if descriptors:
            self._requests = SharedMemory(descriptors[0], is_writable=False)
            # Nothing is taken here, so the mapping is enough, for which Python keeps a descriptor of its own.
            os.close(descriptors[0])
        if len(descriptors) > 1:
            self._answers = SharedMemory(descriptors[1], is_writable=True)
        self._owner_pid = _getpid()

    def request(self, first: int, size: int) -> bytes:
        """A request's body, copied: its place is another's when the answer has been given."""
        if self._requests is None:
            raise failure.StorageError("the request lies in memory that this worker has not got")
        return self._requests.read(first, size)

    def put(self, pieces: Iterable[bytes]) -> Dict[str, Any]:
        """Put an answer's body where the server takes it away.

        Returns:
            What the header of the answer says of it.

        Raises:
            StorageError: it could not be stored.
            BaseException: whatever the user's code raised while it made the pieces. Nothing is left of them.
        """
        if self._answers is not None:
            iterator = iter(pieces)
            begun, size = _begun(iterator)
            # Not in a child that the user's code has forked: it would take the same blocks as this process.
            first = self._answers.take(size) if _getpid() == self._owner_pid else None
            if first is not None:
                self._answers.write(first, begun)
                return {"body": "memory", "block": first, "size": size}
            path, size = self._put_file(itertools.chain(begun, iterator))
        else:
            path, size = self._put_file(pieces)
        return {"body": "file", "path": path, "size": size}

    def drop(self, place: Dict[str, Any]) -> None:
        """The server will not hear of what `put` has returned."""
        if place["body"] == "file":
            _unlink(place["path"])
        elif self._answers is not None:
            self._answers.give_back(place["block"], self._answers.blocks_of(place["size"]))

    def _put_file(self, pieces: Iterable[_Piece]) -> Tuple[str, int]:
        path = "%s/answer-%s" % (self.folder, binascii.hexlify(_random(8)).decode("ascii"))
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


def _begun(pieces: Iterator[bytes]) -> Tuple[List[_Piece], int]:
    """All of them if they go into memory, else as many as it takes to see that they do not; and their size."""
    begun: List[_Piece] = []
    size = 0
    for piece in pieces:
        view = memoryview(piece).cast("B")
        begun.append(view)
        size += len(view)
        if size > BODY_LIMIT_BYTES:
            break
    return begun, size


def _write_all(handle: int, piece: _Piece) -> int:
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
