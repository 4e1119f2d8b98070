"""What a folder has, so that a test can tell whether it was touched."""

import os
import stat
from pathlib import Path

Snapshot = dict[str, tuple[str, int, bytes]]


def snapshot(folder: Path) -> Snapshot:
    """Each file and folder below `folder`: its mode, its time of change and its content."""
    return {str(path.relative_to(folder)): _entry(path) for path in [folder, *sorted(folder.rglob("*"))]}


def write_files(folder: Path, files: "dict[str, str | bytes]") -> None:
    """Make files below `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _entry(path: Path) -> tuple[str, int, bytes]:
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
    if stat.S_ISLNK(status.st_mode):
        content = os.fsencode(path.readlink())
    return stat.filemode(status.st_mode), status.st_mtime_ns, content
