"""The cache of environments: built aside, renamed into place, built once however many ask.

::

    <cache>/environments/
        <key>/                 an environment, complete
        <key>/environment.json what it is; shared lock while a process uses it
        <key>.lock             exclusive lock while a process builds it
        .<key>.<random>/       one that is being built, or what a kill left of it
"""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import frozen

RECORD = "environment.json"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where environments are kept: ``$XDG_CACHE_HOME/abeja-runtime/environments``."""
    cache = environ.get("XDG_CACHE_HOME")
    home = Path(cache) if cache and Path(cache).is_absolute() else Path("~/.cache").expanduser()
    return home / "abeja-runtime" / "environments"


@frozen(kw_only=True)
class Entry:
    """An environment of the cache.

    Attributes:
        key: its name.
        folder: where it is.
        record: what its ``environment.json`` says.
        last_used: seconds since the epoch.
        size_bytes: of its files; those that share their blocks with uv's cache count as well.
    """

    key: str
    folder: Path
    record: Mapping[str, Any]
    last_used: float
    size_bytes: int


class Store:
    """The environments of one cache folder.

    Args:
        root: the folder; made when the first one is built.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def use(self, key: str) -> Path | None:
        """The environment `key`, which is not pruned until this process ends; None if there is none.

        Its interpreter must still be there: a Python that was uninstalled takes its environments with it.
        """
        folder = self.root / key
        try:
            lease = os.open(folder / RECORD, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        fcntl.flock(lease, fcntl.LOCK_SH)
        # What was pruned while this process waited is no longer at its place.
        if not _is_at(folder / RECORD, lease) or not (folder / "bin" / "python").exists():
            os.close(lease)
            return None
        # An environment that was installed by another user, or into an image, is used all the same.
        with suppress(OSError):
            os.utime(folder / RECORD)
        # The descriptor stays open, and with it the lock, for as long as the process lives.
        return folder

    def build(self, key: str, make: Callable[[Path, int], Mapping[str, Any]], *, on_wait: Callable[[], None]) -> Path:
        """The environment `key`, built if it is not there.

        Args:
            key: its name.
            make: builds it in the subfolder ``environment`` of the folder given, and returns its record.
                The descriptor given is the lock's: children that hold it keep others from building
                at the same time even if this process is killed.
            on_wait: called when another process is building it.

        Raises:
            OSError: the folder cannot be written.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock(key, on_wait) as lock:
            found = self.use(key)
            if found is not None:
                return found
            self._clear(key)
            aside = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=self.root))
            try:
                self._put(key, aside, make(aside, lock))
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        folder = self.use(key)
        return folder if folder is not None else self.build(key, make, on_wait=on_wait)

    def entries(self) -> list[Entry]:
        """All environments, the one that was used last first."""
        found = [_entry(path.parent) for path in self.root.glob(f"[!.]*/{RECORD}")]
        return sorted(found, key=lambda entry: entry.last_used, reverse=True)

    def prune(self, *, unused_for_s: float) -> list[Entry]:
        """Remove environments that nobody uses or has used for so long, and what killed builds left.

        Returns:
            Those that were removed.
        """
        removed = [
            entry
            for entry in self.entries()
            if time.time() - entry.last_used >= unused_for_s and self._remove(entry.folder)
        ]
        for path in self.root.glob(".*.*"):
            self._remove_abandoned(path)
        return removed

    def _put(self, key: str, aside: Path, record: Mapping[str, Any]) -> None:
        environment = aside / "environment"
        (environment / RECORD).write_text(json.dumps(record, indent=4, default=str), encoding="utf-8")
        environment.rename(self.root / key)

    def _clear(self, key: str) -> None:
        """Take away what is broken, and what builds left that were killed."""
        if (self.root / key).exists():
            (self.root / key).rename(tempfile.mkdtemp(prefix=f".{key}.", dir=self.root) + "/broken")
        for left in self.root.glob(f".{key}.*"):
            shutil.rmtree(left, ignore_errors=True)

    def _remove(self, folder: Path) -> bool:
        with (folder / RECORD).open("rb") as record:
            if not _try_lock(record.fileno()):
                return False
            trash = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=self.root))
            folder.rename(trash / "environment")
            shutil.rmtree(trash, ignore_errors=True)
            return True

    def _remove_abandoned(self, path: Path) -> None:
        key = path.name.split(".")[1]
        with (self.root / f"{key}.lock").open("ab") as lock:
            if _try_lock(lock.fileno()):
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _lock(self, key: str, on_wait: Callable[[], None]) -> Iterator[int]:
        with (self.root / f"{key}.lock").open("ab") as lock:
            if not _try_lock(lock.fileno()):
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _entry(folder: Path) -> Entry:
    path = folder / RECORD
    size = sum(file.lstat().st_size for file in folder.rglob("*"))
    record = json.loads(path.read_text(encoding="utf-8"))
    return Entry(key=folder.name, folder=folder, record=record, last_used=path.stat().st_mtime, size_bytes=size)
