"""Writes members below one folder, through descriptors of folders that it has opened itself."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from abeja.runtime.errors import ArchiveUnreadableError
from abeja.runtime.prepare.member_path import refusal
from abeja.runtime.types import Member

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Writer:
    """Creates files, folders and links; it never opens, follows or replaces what exists.

    Args:
        root: descriptor of the folder; the caller closes it.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._kept: tuple[tuple[str, ...], int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()

    def make_folder(self, parts: Sequence[str]) -> None:
        """A folder whose parent exists."""
        with self._parent(parts) as parent:
            os.mkdir(parts[-1], 0o755, dir_fd=parent)

    def write_file(self, parts: Sequence[str], member: Member) -> None:
        """A new file with the member's content.

        Raises:
            ArchiveRefusedError: there is more of it than the member claims.
            ArchiveUnreadableError: there is less.
        """
        # Set-user-ID and the like are dropped, as is what others could write; umask takes its share.
        mode = member.mode & 0o755 | 0o600
        with self._parent(parts) as parent:
            handle = os.open(parts[-1], _NEW_FILE, mode, dir_fd=parent)
        with os.fdopen(handle, "wb", buffering=0) as file:
            left = member.size_bytes
            for chunk in member.chunks:
                left -= len(chunk)
                if left < 0:
                    raise refusal(member.name, f"has more than the {member.size_bytes} bytes that it claims")
                _write(file.fileno(), chunk)
        if left:
            raise ArchiveUnreadableError(f"the member {member.name!r} ends {left} bytes early")

    def make_hardlink(self, parts: Sequence[str], target: Sequence[str]) -> None:
        """A second name for a file."""
        with self._folder(target[:-1]) as source, self._folder(parts[:-1]) as parent:
            os.link(target[-1], parts[-1], src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

    def make_symlink(self, parts: Sequence[str], target: str) -> None:
        """A symbolic link, which nothing here ever follows."""
        with self._parent(parts) as parent:
            os.symlink(target, parts[-1], dir_fd=parent)

    @contextmanager
    def _parent(self, parts: Sequence[str]) -> Iterator[int]:
        """The folder that a member goes into; kept open, as the next one mostly goes there too."""
        folder = tuple(parts[:-1])
        if self._kept is None or self._kept[0] != folder:
            self._forget()
            self._kept = (folder, self._open(folder))
        yield self._kept[1]

    @contextmanager
    def _folder(self, parts: Sequence[str]) -> Iterator[int]:
        handle = self._open(parts)
        try:
            yield handle
        finally:
            os.close(handle)

    def _open(self, parts: Sequence[str]) -> int:
        """Open a folder below the root, one step at a time, so that no step can lead elsewhere."""
        handle = os.dup(self._root)
        for part in parts:
            try:
                inner = os.open(part, _FOLDER, dir_fd=handle)
            finally:
                os.close(handle)
            handle = inner
        return handle

    def _forget(self) -> None:
        if self._kept is not None:
            os.close(self._kept[1])
            self._kept = None


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
