"""Files and folders of this machine: paths, and file:// URLs."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from abeja.runtime import Fetch, ResultSource, SourceFailedError, hookimpl

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


@hookimpl
def abeja_sources() -> Iterator[ResultSource]:
    """The source `file`."""
    yield ResultSource(name="file", takes=_takes, state=_state, fetch=_fetch)


def _takes(text: str) -> bool:
    scheme = _SCHEME.match(text)
    return scheme is None or scheme[1].lower() == "file"


def _fetch(text: str, fetch: Fetch) -> Path:  # noqa: ARG001 (nothing is downloaded)
    path = _path(text)
    if not path.exists():
        raise SourceFailedError(
            f"the training result {path} does not exist.", hint="a path is taken from the current folder."
        )
    return path


def _state(text: str) -> str:
    """Size and time of a file; for a folder a digest of all names with those."""
    path = _path(text)
    try:
        return _tree_state(path) if path.is_dir() else _entry_state(path.stat())
    except OSError:
        return ""


def _path(text: str) -> Path:
    if not _SCHEME.match(text):
        return Path(text).expanduser().absolute()
    url = urlsplit(text)
    if url.netloc not in ("", "localhost"):
        raise SourceFailedError(
            f"the training result {text} is on another machine, '{url.netloc}'.",
            hint="a file:// URL of this machine has three slashes: file:///path.",
        )
    return Path(unquote(url.path))


def _tree_state(folder: Path) -> str:
    digest = hashlib.sha256()
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in (*folders, *sorted(files)):
            inner = Path(path, name)
            line = f"{inner.relative_to(folder)}\0{_entry_state(inner.lstat())}\0"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _entry_state(status: os.stat_result) -> str:
    return f"{status.st_size} bytes of {status.st_mtime_ns}"
