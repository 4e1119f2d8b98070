r"""The journal of a run: what is done, so that another run can go on from there.

One JSON object on each line, only ever appended to::

    {"journal": 1, "handler": "main:handler", ...}      what is run; a run that resumes it must be the same
    {"boot": "<id>"}                                    opened, on this boot of the machine
    {"n": 0, "input": "a.png", "of": "120:17...", "status": 200, "time": 0.01, "error": "", ...}    done
    {"synced": 3120}                                    so many bytes of it, and what they speak of, are on the disk

Further fields of a line, and further lines, are the output's; see there.

What is written outlives the process, however it ends, because the kernel has it. It outlives the machine once it is
on the disk, which is seen to every second. After a boot, only what the last ``synced`` vouches for is believed. A last
line that is torn is dropped.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from abeja.runtime.batch.past import Past
from abeja.runtime.errors import OutputFailedError, RunDiffersError, RunInProgressError, RunStateInvalidError

_FORMAT = 1
_NAME = "journal.jsonl"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOOK = {"handler": "--handler", "model": "--model-dir", "image": "the image version", "inputs": "--input"}


class Journal:
    """The journal of one run, locked: no other process has it.

    Args:
        folder: has it, and what the output keeps there.
        header: what is run.

    Attributes:
        folder: see above.
        past: what earlier parts of the run have done.
        is_new: whether there was no journal.

    Raises:
        RunDiffersError: the journal is of another run.
        RunInProgressError: another process has it.
        RunStateInvalidError: it is no journal.
        OutputFailedError: it cannot be written.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self.folder = folder
        self.past = Past()
        self._path = folder / _NAME
        self._dirty: list[Path] = []
        self._syncing: asyncio.Future[None] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise OutputFailedError(f"{self._path} cannot be written: {error.strerror}.") from error
        self._lock()
        self._size_bytes = os.fstat(self._file).st_size
        self.is_new = self._size_bytes == 0
        self._header = {"journal": _FORMAT, **header}

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a run has left one there."""
        return (folder / _NAME).is_file()

    def read(self, take: Callable[[Mapping[str, Any], bool], None]) -> None:
        """Read it, drop what cannot be believed, and go on writing.

        Args:
            take: gets each line that is of no other kind than the output's or ``n``, and whether it is believed.

        Raises:
            RunDiffersError, RunStateInvalidError: see above.
        """
        trusted = self._trusted_bytes()
        for end, line in self._lines():
            if "journal" in line:
                self._compare(line)
                continue
            if "boot" in line or "synced" in line:
                continue
            if "n" in line and end <= trusted:
                self.past.add(line)
            take(line, end <= trusted)
        if trusted < self._size_bytes:
            os.ftruncate(self._file, trusted)
            self._size_bytes = trusted
        if not self._size_bytes:
            self.add(self._header)
        self.add({"boot": _boot_id()})

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            OutputFailedError: it cannot be written.
        """
        data = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        try:
            while data:
                written = os.write(self._file, data)
                self._size_bytes += written
                data = data[written:]
        except OSError as error:
            raise OutputFailedError(f"{self._path} cannot be written: {error.strerror}.") from error

    def wrote(self, path: Path) -> None:
        """Have `path` on the disk before the lines that were added until then."""
        self._dirty.append(path)

    async def sync(self) -> None:
        """Bring everything that is written by now to the disk.

        Raises:
            OutputFailedError: the disk is full, or broken.
        """
        while self._syncing is not None:
            await asyncio.shield(self._syncing)
        self._syncing = asyncio.ensure_future(self._sync())
        try:
            await asyncio.shield(self._syncing)
        finally:
            self._syncing = None

    def commit(self, line: Mapping[str, Any]) -> None:
        """Append a line and bring the journal to the disk. Everything that it speaks of is there.

        Raises:
            OSError: the disk is full, or broken.
            OutputFailedError: it cannot be written.
        """
        self.add(line)
        os.fsync(self._file)
        self.add({"synced": self._size_bytes})
        os.fsync(self._file)

    async def close(self) -> None:
        """Bring everything to the disk, and let another process have it.

        Raises:
            OutputFailedError: see `sync`.
        """
        try:
            await self.sync()
            await asyncio.to_thread(os.fsync, self._file)
        finally:
            os.close(self._file)

    async def _sync(self) -> None:
        paths, self._dirty = self._dirty, []
        size_bytes = self._size_bytes
        try:
            await asyncio.to_thread(_to_disk, paths, self._file)
        except OSError as error:
            raise OutputFailedError(f"the results cannot be brought to the disk: {error.strerror}.") from error
        self.add({"synced": size_bytes})

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise RunInProgressError(
                f"another process runs with this output: it holds {self._path}.", hint="wait for it, or end it."
            ) from error

    def _trusted_bytes(self) -> int:
        whole = synced = 0
        boot = ""
        for end, line in self._lines():
            whole = end
            boot = line.get("boot", boot)
            synced = line.get("synced", synced)
        return whole if boot == _boot_id() else synced

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each whole line, with the position of its end."""
        end = 0
        with self._path.open("rb") as file:
            for number, text in enumerate(file, 1):
                end += len(text)
                try:
                    line = json.loads(text)
                    if not isinstance(line, dict) or (number == 1) != ("journal" in line):
                        raise ValueError("it is of no kind that has a place there")
                except ValueError as error:
                    if end == self._size_bytes:
                        return  # torn
                    raise RunStateInvalidError(
                        f"{self._path}, line {number}: {error}.",
                        hint="it was changed by something else; begin a new run with another --output.",
                    ) from error
                if text.endswith(b"\n"):
                    yield end, line

    def _compare(self, header: Mapping[str, Any]) -> None:
        for name, now in self._header.items():
            if header.get(name) != now:
                raise RunDiffersError(
                    f"the run that {self._path} is of has another value of {_LOOK.get(name, name)}: "
                    f"{_shown(header.get(name))}, now {_shown(now)}.",
                    hint="give the same, or begin a new run with another --output.",
                )


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _to_disk(paths: Iterable[Path], journal: int) -> None:
    folders = set()
    for path in paths:
        folders.add(path.parent)
        _sync_path(path)
    for folder in folders:
        _sync_path(folder)
    os.fsync(journal)


def _sync_path(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # it has been moved on, and is written there
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
