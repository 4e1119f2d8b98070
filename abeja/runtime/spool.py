"""The private folder for bodies that are too large for memory."""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from abeja.runtime.errors import AnswerInvalidError, SpoolFailedError
from abeja.runtime.messages import Body, SpoolFile
from abeja.runtime.worker.frames import INLINE_LIMIT_BYTES

_PREFIX = "abeja-runtime-spool-"


class Spool:
    """A folder of mode 0700 under ``$TMPDIR`` that lives as long as the server.

    Those that killed servers have left there are removed first. If something removes this one meanwhile, such as
    a handler that clears ``$TMPDIR``, it is made again when it is needed.
    """

    def __init__(self) -> None:
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
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create(self) -> tuple[BinaryIO, Path]:
        """A new empty file that only this user can read, open for writing."""
        try:
            handle, path = tempfile.mkstemp(prefix="body-", dir=self.folder)
        except FileNotFoundError:
            if self._is_over:
                raise
            self._make_again()
            handle, path = tempfile.mkstemp(prefix="body-", dir=self.folder)
        return os.fdopen(handle, "wb"), Path(path)

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

        Raises:
            AnswerInvalidError: it is somewhere else, not there, not a file, or of another size.
        """
        ours = self.folder / f"{path.parent.name}-{path.name}"
        try:
            if path.parent.parent != self.folder:
                raise OSError("it is not in the spool folder")
            status = path.lstat()
            # Opening a pipe would stop the server, and a size that is wrong would break the connection.
            if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
                raise OSError(f"it is not a file of {size_bytes} bytes")
            # The handler's umask may have left us no right to it.
            path.chmod(0o600)
            path.rename(ours)
        except OSError as error:
            detail = f"the worker's answer {path} cannot be read: {error}"
            raise AnswerInvalidError("unexpected error occurred", detail=detail) from error
        return SpoolFile(ours, size_bytes)

    def _make_again(self) -> None:
        # Never one that is there: that may be someone else's.
        self.folder.mkdir(mode=0o700)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = locked(self.folder)


class BodyFolder(Protocol):
    """Where bodies go that are too large for memory: a `Spool`, or a part of one."""

    def create(self) -> tuple[BinaryIO, Path]:
        """A new empty file that only this user can read, open for writing."""


class MemoryBudget:
    """How many bytes of one request may be held in memory, over all of its bodies."""

    def __init__(self, limit_bytes: int = INLINE_LIMIT_BYTES) -> None:
        self._left_bytes = limit_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether `size_bytes` more fit; they are taken if they do."""
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """What was taken is not in memory any more."""
        self._left_bytes += size_bytes


class BodySink:
    """Collects one body as it arrives: in memory while the budget lasts, then in a file.

    Args:
        spool: where files go.
        budget: shared by the sinks of one request.
    """

    def __init__(self, spool: BodyFolder, budget: MemoryBudget) -> None:
        self._spool = spool
        self._budget = budget
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self.size_bytes = 0

    @property
    def is_in_file(self) -> bool:
        """Whether the body has outgrown the memory."""
        return self._file is not None

    def write(self, data: bytes) -> None:
        """Append `data`.

        Raises:
            SpoolFailedError: the file could not be written.
        """
        self.size_bytes += len(data)
        if self._file is None:
            if self._budget.take(len(data)):
                self._pieces.append(data)
                return
            self._file = self._open()
        try:
            self._file.write(data)
        except OSError as error:
            raise _failed(error) from error

    def close(self) -> Body:
        """The whole body.

        Raises:
            SpoolFailedError: the file could not be written; nothing of it is left.
        """
        if self._file is None or self._path is None:
            return b"".join(self._pieces)
        try:
            self._file.close()
        except OSError as error:
            self.discard()
            raise _failed(error) from error
        return SpoolFile(self._path, self.size_bytes)

    def discard(self) -> None:
        """Drop what was collected."""
        self._pieces.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._file is not None:
            # Closing writes what is buffered, which may fail as the write before it did.
            try:
                self._file.close()
            except OSError:
                return

    def _open(self) -> BinaryIO:
        try:
            file, self._path = self._spool.create()
            file.writelines(self._pieces)
        except OSError as error:
            raise _failed(error) from error
        self._budget.give_back(sum(map(len, self._pieces)))
        self._pieces.clear()
        return file


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


def _failed(error: OSError) -> SpoolFailedError:
    return SpoolFailedError("the body could not be stored", detail=f"writing to the spool folder failed: {error}")
