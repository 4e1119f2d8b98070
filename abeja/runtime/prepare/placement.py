"""Puts a complete folder in its place, in one step, or leaves everything as it was."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abeja.runtime.errors import ExtractionFailedError, FolderOccupiedError
from abeja.runtime.prepare.exchange import exchange
from abeja.runtime.prepare.folder_lock import locked

_NOT_REPLACEABLE = (errno.EBUSY, errno.EXDEV, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


class Place:
    """Where a folder shall stand; what is made for it meanwhile has hidden names beside it.

    Args:
        folder: it need not exist, nor need its parents. Symbolic links in it are followed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self._prefix = f".{self.folder.name}.abeja-"

    @property
    def is_free(self) -> bool:
        """Whether nothing would be lost: it does not exist, or is an empty folder."""
        try:
            return not any(self.folder.iterdir())
        except FileNotFoundError:
            return True
        except (NotADirectoryError, PermissionError):
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from the place, and clear up what a killed one has left.

        Raises:
            ExtractionFailedError: the folder beside it cannot be written.
        """
        with _writing(self.folder), _parents(self.folder.parent), locked(self._beside("lock")):
            for left in self.folder.parent.glob(f"{_escaped(self._prefix)}new-*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """An empty folder beside the place, gone afterwards unless `put` has moved it."""
        path = self._beside(f"new-{secrets.token_hex(8)}")
        path.mkdir(mode=0o755)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def put(self, new: Path, *, is_replacing: bool = False) -> None:
        """Move the folder `new` to the place.

        Args:
            new: made by `new_folder`.
            is_replacing: whether what is there may be deleted.

        Raises:
            FolderOccupiedError: the place is not free, or is one that cannot be replaced, such as a
                mount point.
        """
        try:
            if is_replacing and not self.is_free:
                self._replace(new)
            else:
                new.rename(self.folder)
        except OSError as error:
            if error.errno not in _NOT_REPLACEABLE:
                raise
            raise FolderOccupiedError(
                f"the folder {self.folder} cannot be replaced: {error.strerror}.",
                hint="if it is a mount point, name a folder in it.",
            ) from error

    def _replace(self, new: Path) -> None:
        try:
            exchange(new, self.folder)
        except OSError:
            # Not on every file system: then there is a moment without the folder.
            old = self._beside(f"new-{secrets.token_hex(8)}")
            self.folder.rename(old)
            new.rename(self.folder)
            shutil.rmtree(old, ignore_errors=True)

    def _beside(self, suffix: str) -> Path:
        return self.folder.parent / f"{self._prefix}{suffix}"


@contextmanager
def _parents(folder: Path) -> Iterator[None]:
    """Make the missing folders on the way; take them away again if nothing comes to be in them."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
    try:
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExtractionFailedError(
            f"the folder {folder} cannot be made: {error.strerror}: {error.filename}."
        ) from error


def _escaped(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
