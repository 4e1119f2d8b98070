"""Sees when a file of a folder changes, for development: by looking, which works on every file system."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

# Between two looks; longer where a look takes long, so that looking never takes more than a twentieth of a core.
_LOOK_S = 0.2
_LOOK_SHARE = 20
# A save may be several writes, and "save all" several files. It is over when nothing changes for so long,
_SETTLED_S = 0.1
# but what never settles, such as a log in the folder, does not hide the rest.
_LONGEST_SAVE_S = 2.0

# Written by running the handler, or not the user's.
_SKIPPED_FOLDERS = frozenset(("__pycache__", "node_modules"))
# What editors write beside a file while they save it: backups, locks, and vim's test whether it may write.
_SKIPPED_FILES = re.compile(r"#.*#|.*~|4913|.*\.py[co]")
# Of the hidden files, the one that handlers read.
_SHOWN = ".env"

Stamp = tuple[int, int, int]


async def changes(folder: Path) -> AsyncIterator[list[Path]]:
    """Yield the files that have changed, appeared or gone since the last time, when they have settled.

    Hidden files and folders but ``.env``, ``__pycache__``, ``node_modules``, virtual environments, and what editors
    write beside the file that they save are not looked at.
    """
    # In a thread: a folder on a network may be slow, and the server is not to wait for it.
    before = await asyncio.to_thread(_stamps, folder)
    while True:
        begin_s = time.monotonic()
        after = await asyncio.to_thread(_stamps, folder)
        took_s = time.monotonic() - begin_s
        if after != before:
            after = await _settled(folder, after)
        changed = sorted(path for path, _ in before.items() ^ after.items())
        before = after
        if changed:
            yield list(dict.fromkeys(Path(path) for path in changed))
        await asyncio.sleep(max(_LOOK_S, _LOOK_SHARE * took_s))


async def _settled(folder: Path, stamps: dict[str, Stamp]) -> dict[str, Stamp]:
    end_s = time.monotonic() + _LONGEST_SAVE_S
    while time.monotonic() < end_s:
        await asyncio.sleep(_SETTLED_S)
        before, stamps = stamps, await asyncio.to_thread(_stamps, folder)
        if stamps == before:
            break
    return stamps


def _stamps(folder: Path) -> dict[str, Stamp]:
    return dict(_files(str(folder)))


def _files(folder: str) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it has gone, or may not be read
        return
    for entry in entries:
        if entry.name.startswith(".") and entry.name != _SHOWN:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED_FOLDERS and not Path(entry, "pyvenv.cfg").exists():
                    yield from _files(entry.path)
            elif not _SKIPPED_FILES.fullmatch(entry.name):
                status = entry.stat()
                yield entry.path, (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:  # it went between the two looks
            continue
