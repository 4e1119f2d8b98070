"""Folders, as if they were archives: a training result is copied, never used where it is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Extractor, Member, MemberKind, hookimpl

_CHUNK_BYTES = 1024**2


@hookimpl
def abeja_extractors() -> Iterator[Extractor]:
    """The extractor `directory`."""
    yield Extractor(name="directory", recognises=Path.is_dir, members=_members)


def _members(folder: Path, prefix: str = "") -> Iterator[Member]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name = f"{prefix}{entry.name}"
        yield _member(entry, name)
        if entry.is_dir(follow_symlinks=False):
            yield from _members(Path(entry.path), f"{name}/")


def _member(entry: "os.DirEntry[str]", name: str) -> Member:
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        return Member(name=name, kind=MemberKind.SYMLINK, target=str(Path(entry.path).readlink()))
    if stat.S_ISDIR(status.st_mode):
        return Member(name=name, kind=MemberKind.FOLDER, mode=stat.S_IMODE(status.st_mode))
    if stat.S_ISREG(status.st_mode):
        mode = stat.S_IMODE(status.st_mode)
        return Member(name=name, mode=mode, size_bytes=status.st_size, chunks=_chunks(entry.path))
    return Member(name=name, kind=MemberKind.SPECIAL)


def _chunks(path: str) -> Iterator[bytes]:
    # Not through a link that has come since, and not waiting for the other end of a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
