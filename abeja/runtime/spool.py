"""Where bodies are that are too large for a frame: in a private folder, and in memory that workers share."""

import contextlib
import fcntl
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Protocol, Self

from abeja.runtime.body_memory import BodyMemory
from abeja.runtime.errors import AnswerInvalidError, SpoolFailedError
from abeja.runtime.messages import Body, SharedBody, SpoolFile
from abeja.runtime.worker.frames import INLINE_LIMIT_BYTES

_log = logging.getLogger("abeja.runtime")

_PREFIX = "abeja-runtime-spool-"
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# A handler may have put a link or a pipe in the place of an answer: the one is refused, and the other stops nobody.
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Spool:
    """A folder of mode 0700 under ``$TMPDIR`` that lives as long as the server.

    Those that killed servers have left there are removed first. If something removes this one meanwhile, such as
    a handler that clears ``$TMPDIR``, it is made again when it is needed.

    Args:
        memory_bytes: how much memory the bodies of requests may take, and those of the answers of each worker, before
            they go into the folder.

    Attributes:
        memory: for the bodies of requests; None if they all go into the folder.
        memory_bytes: see above.
    """

    def __init__(self, *, memory_bytes: int = 0) -> None:
        self.memory_bytes = memory_bytes
        self.memory = BodyMemory.create(memory_bytes, is_read_only=True)
        _warn_if_elsewhere(tempfile.gettempdir())
        _sweep(Path(tempfile.gettempdir()))
        hidden = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
        # The kernel takes the lock from a server that cannot clean up any more.
        self._lock = locked(hidden)
        # It gets its name when it is locked, so that no other server takes it for one that was left.
        self.folder = hidden.rename(hidden.with_name(hidden.name[1:]))
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Delete the folder and whatever is left in it."""
        self._is_over = True
        if self.memory is not None:
            self.memory.close_file()
            self.memory = None
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create(self) -> tuple[int, Path]:
        """A new empty file that only this user can read: a descriptor to write with, and its path."""
        # What no worker can guess, so that it cannot be there already.
        path = self.folder / f"body-{os.urandom(8).hex()}"
        try:
            return os.open(path, NEW_FILE, 0o600), path
        except FileNotFoundError:
            if self._is_over:
                raise
            self._make_again()
            return os.open(path, NEW_FILE, 0o600), path

    def reserve(self, size_bytes: int) -> SharedBody | None:
        """Memory for a body of up to so many bytes; None if it has to be a file."""
        return None if self.memory is None else self.memory.reserve(size_bytes)

    def create_folder(self, name: str) -> Path:
        """A folder in it that only this user can enter; one that is there is taken as it is.

        Raises:
            OSError: it cannot be made.
        """
        folder = self.folder / name
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileNotFoundError:
            if self._is_over:
                raise
            self._make_again()
            folder.mkdir(mode=0o700)
        return folder

    def adopt(self, path: Path, size_bytes: int) -> SpoolFile:
        """Take over a file that a worker has written into a folder of its own in the spool.

        Nothing is left of it in the folder, so nobody who has the answer finds it.

        Raises:
            AnswerInvalidError: it is somewhere else, not there, not a file, or of another size.
        """
        try:
            if path.parent.name in ("", "..") or path.parent.parent != self.folder:
                raise OSError("it is not in the spool folder")
            try:
                descriptor = _opened(path, size_bytes)
            finally:
                # Whatever is there, nobody needs its name.
                with contextlib.suppress(OSError):
                    path.unlink()
        except OSError as error:
            detail = f"the worker's answer {path} cannot be read: {error}"
            raise AnswerInvalidError("unexpected error occurred", detail=detail) from error
        return SpoolFile(path, size_bytes, descriptor)

    def _make_again(self) -> None:
        # Never one that is there: that may be someone else's.
        self.folder.mkdir(mode=0o700)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = locked(self.folder)


class BodyFolder(Protocol):
    """Where bodies go that are too large for a frame: a `Spool`, or a part of one."""

    def create(self) -> tuple[int, Path]:
        """A new empty file that only this user can read: a descriptor to write with, and its path."""

    def reserve(self, size_bytes: int) -> SharedBody | None:
        """Memory for a body of up to so many bytes; None if it has to be a file."""


class MemoryBudget:
    """How many bytes of one request may go into its frame, over all of its bodies."""

    def __init__(self, limit_bytes: int = INLINE_LIMIT_BYTES) -> None:
        self._left_bytes = limit_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether `size_bytes` more fit; they are taken if they do."""
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """What was taken goes elsewhere."""
        self._left_bytes += size_bytes


class BodySink:
    """Collects one body as it arrives: as bytes while the budget lasts, then in shared memory or in a file.

    Args:
        spool: where it goes beyond the budget.
        budget: shared by the sinks of one request.
        most_bytes: how long it can be at most; None if nobody has said.
    """

    def __init__(self, spool: BodyFolder, budget: MemoryBudget, *, most_bytes: int | None = None) -> None:
        self._spool = spool
        self._budget = budget
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._shared: SharedBody | None = None
        self._descriptor: int | None = None
        self._path: Path | None = None
        self.size_bytes = 0

    @property
    def is_in_file(self) -> bool:
        """Whether the body has outgrown all memory."""
        return self._path is not None

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`, which may change after the call.

        Raises:
            SpoolFailedError: the file could not be written.
        """
        start = self.size_bytes
        self.size_bytes += len(data)
        if self._descriptor is None and self._shared is None:
            if self._budget.take(len(data)):
                self._pieces.append(bytes(data))
                return
            self._outgrow(self._most_bytes or 0)
        if self._shared is not None:
            # More than was announced raises, rather than be lost.
            self._shared.view()[start : self.size_bytes] = data
            return
        try:
            _write_all(self._open() if self._descriptor is None else self._descriptor, data)
        except OSError as error:
            raise _failed(error) from error

    def close(self) -> Body:
        """The whole body.

        Raises:
            SpoolFailedError: the file could not be written; nothing of it is left.
        """
        if self._shared is not None:
            self._shared.shrink(self.size_bytes)
            return self._shared
        if self._path is None:
            return b"".join(self._pieces)
        try:
            self._close_file()
        except OSError as error:
            self.discard()
            raise _failed(error) from error
        return SpoolFile(self._path, self.size_bytes)

    def discard(self) -> None:
        """Drop what was collected."""
        self._pieces.clear()
        if self._shared is not None:
            self._shared.remove()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        # Some file systems say only now that they are full.
        with contextlib.suppress(OSError):
            self._close_file()

    def _outgrow(self, most_bytes: int) -> None:
        """Move what has come so far into shared memory, if there is a place for all that may come."""
        kept = b"".join(self._pieces)
        self._shared = self._spool.reserve(most_bytes) if most_bytes > len(kept) else None
        if self._shared is not None:
            self._shared.view()[: len(kept)] = kept
            self._forget_pieces()

    def _open(self) -> int:
        """Move what has come so far into a new file; its descriptor."""
        try:
            descriptor, self._path = self._spool.create()
            self._descriptor = descriptor
            _write_all(descriptor, b"".join(self._pieces))
        except OSError as error:
            raise _failed(error) from error
        self._forget_pieces()
        return descriptor

    def _forget_pieces(self) -> None:
        self._budget.give_back(sum(map(len, self._pieces)))
        self._pieces.clear()

    def _close_file(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _warn_if_elsewhere(folder: str) -> None:
    """Python takes another folder than that of TMPDIR without a word, and its disk may be a small one, or memory."""
    wanted = os.environ.get("TMPDIR")
    if wanted and os.path.abspath(wanted) != os.path.abspath(folder):  # noqa: PTH100 (as tempfile does it)
        _log.warning("large bodies go to %s: no file can be written to TMPDIR, which is %s", folder, wanted)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        lock = locked(folder) if is_own(folder) else None
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def is_own(folder: Path) -> bool:
    """Whether it is a folder that only this user can enter."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == os.getuid()


def locked(folder: Path) -> int | None:
    """A descriptor of the folder with a lock that ends with this process; None if another has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _opened(path: Path, size_bytes: int) -> int:
    """A descriptor to read a worker's file of this size with."""
    try:
        descriptor = os.open(path, _OLD)
    except PermissionError:
        descriptor = _opened_all_the_same(path)
    status = os.fstat(descriptor)
    # A size that is wrong would break the connection.
    if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
        os.close(descriptor)
        raise OSError(f"it is not a file of {size_bytes} bytes")
    return descriptor


def _opened_all_the_same(path: Path) -> int:
    """The same, if the handler's umask has left us no right to it."""
    # Through a descriptor, as it may become a link meanwhile.
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        own = Path(f"/proc/self/fd/{handle}")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is not a file")
        own.chmod(0o600)
        return os.open(own, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(handle)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def _failed(error: OSError) -> SpoolFailedError:
    return SpoolFailedError("the body could not be stored", detail=f"writing to the spool folder failed: {error}")
