"""Sees when a file of a folder changes, for development: by looking, which works on every file system."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

_LOOK_S = 0.5
# Written by running the handler, or not the user's.
_SKIPPED = frozenset(("__pycache__", "node_modules"))

Stamp = tuple[int, int, int]


async def changes(folder: Path) -> AsyncIterator[list[Path]]:
    """Yield the files that have changed, appeared or gone since the last time, at most twice a second.

    Hidden files and folders, ``__pycache__`` and ``node_modules`` are not looked at.
    """
    # In a thread: a folder on a network may be slow, and the server is not to wait for it.
    before = await asyncio.to_thread(_stamps, folder)
    while True:
        await asyncio.sleep(_LOOK_S)
        after = await asyncio.to_thread(_stamps, folder)
        changed = sorted(path for path, _ in before.items() ^ after.items())
        before = after
        if changed:
            yield list(dict.fromkeys(Path(path) for path in changed))


def _stamps(folder: Path) -> dict[str, Stamp]:
    return dict(_files(str(folder)))


def _files(folder: str) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it has gone, or may not be read
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                status = entry.stat()
                yield entry.path, (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:  # it went between the two looks
            continue
