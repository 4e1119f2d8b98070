"""Results as a file of JSON Lines, in the order of the inputs."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abeja.runtime.batch.journal import Journal
from abeja.runtime.batch.ordered import Ordered
from abeja.runtime.batch.output import check_occupied, entry_of, failed
from abeja.runtime.batch.past import Past
from abeja.runtime.batch.result import Result
from abeja.runtime.errors import RunStateInvalidError

_HELD = "held"
_MERGED = "merged-"


class LinesOutput:
    """Writes JSON Lines to a file.

    A line is in the file and then in the journal, which knows where it ends: what is behind the last such end is cut
    off when the run is resumed. One that comes early is in a file of its own, and in the journal.

    The new results of inputs that are run again, because they failed, are kept so too. When all inputs are done, a
    file with them in their places takes the place of the first one. The journal's fields and lines for all this are::

        {"n": 0, ..., "end": 180}       the line is in the file, and ends at this byte
        {"placed": 5, "end": 900}       so does one now that came early
        {"merged": 1, "end": 5200}      the file `merged-1` is complete, and takes the place of the output

    Args:
        path: of the file.
        header: what is run, for the journal.
        is_resuming: whether results may be there already.

    Raises:
        OutputOccupiedError, OutputFailedError, RunDiffersError, RunInProgressError, RunStateInvalidError: see there.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], *, is_resuming: bool) -> None:
        self.check(path, is_resuming=is_resuming)
        self._path = path
        self._journal = Journal(_state(path), {**header, "output": "lines"})
        self._held = self._journal.folder / _HELD
        self._end = self._merges = self._next = 0
        self._is_broken = False
        self._early: set[int] = set()
        # Those whose places have the results of an earlier run.
        self._again: set[int] = set()
        try:
            self._journal.read(self._take)
            self._finish_merge()
            self._remove_unknown()
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            self._cut()
        except OSError as error:
            raise failed(path, error) from error
        self._ordered = Ordered(
            self._append,
            self._held,
            may_block=False,
            first=self._next,
            waiting=frozenset(self._early),
            on_appended=self._appended,
            on_held=self._keep,
            on_placed=self._placed,
        )

    @property
    def past(self) -> Past:
        """What it has already."""
        return self._journal.past

    @property
    def held(self) -> int:
        """See `Output`."""
        return self._ordered.waiting

    @staticmethod
    def check(path: Path, *, is_resuming: bool) -> bool:
        """See that results may be written there; True if an earlier part of the run has written some.

        Raises:
            OutputOccupiedError: they may not.
        """
        has_journal = Journal.exists(_state(path))
        if has_journal or path.is_dir() or (path.exists() and path.stat().st_size):
            check_occupied(path, is_resuming=is_resuming, has_journal=has_journal)
        return has_journal

    async def put(self, result: Result) -> None:
        """See `Output`."""
        try:
            await self._ordered.put(result)
        except OSError as error:
            # Nothing may follow half a line; it is cut off when the run is resumed.
            self._is_broken = True
            raise failed(self._path, error) from error

    async def sync(self) -> None:
        """See `Output`."""
        self._journal.wrote(self._path)
        await self._journal.sync()

    async def close(self, *, is_complete: bool) -> None:
        """See `Output`."""
        try:
            if not self._is_broken:
                await self._ordered.place()
            if is_complete and self._again:
                await asyncio.to_thread(self._merge)
            self._journal.wrote(self._path)
            await self._journal.close()
            if is_complete:
                with contextlib.suppress(OSError):
                    self._held.rmdir()
        except OSError as error:
            raise failed(self._path, error) from error
        finally:
            os.close(self._file)

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.write(self._file, rest)
            self._end += written
            rest = rest[written:]

    def _appended(self, result: Result) -> None:
        self._journal.add({**entry_of(result), "end": self._end})

    def _keep(self, result: Result) -> None:
        number = result.item.number
        self._journal.wrote(self._ordered.path(number))
        self._journal.add(entry_of(result))
        if number < self._ordered.next:
            self._again.add(number)

    def _placed(self, number: int) -> None:
        self._journal.add({"placed": number, "end": self._end})

    def _take(self, line: Mapping[str, Any], is_believed: bool) -> None:  # noqa: FBT001 (of the journal)
        if not is_believed:
            return
        if "merged" in line:
            self._merges, self._end = line["merged"], line["end"]
            self._again.clear()
        elif "end" in line:
            number = line.get("placed", line.get("n"))
            self._early.discard(number)
            self._next, self._end = number + 1, line["end"]
        elif line["n"] >= self._next:
            self._early.add(line["n"])
        else:
            self._again.add(line["n"])

    def _remove_unknown(self) -> None:
        """What came so early, or so late, that the journal does not know it."""
        self._held.mkdir(exist_ok=True)
        known = {str(number) for number in self._early | self._again}
        for path in self._held.iterdir():
            if path.name not in known:
                path.unlink()

    def _cut(self) -> None:
        if os.fstat(self._file).st_size < self._end:
            raise RunStateInvalidError(
                f"{self._path} is shorter than the run has left it.",
                hint="it was changed by something else; begin a new run with another --output.",
            )
        os.ftruncate(self._file, self._end)

    def _merge(self) -> None:
        """Put the results of those that were run again in their places."""
        merged = self._merged(self._merges + 1)
        with self._path.open("rb") as old, merged.open("wb") as new:
            for number, line in enumerate(old):
                if number not in self._again:
                    new.write(line)
                    continue
                with self._ordered.path(number).open("rb") as again:
                    shutil.copyfileobj(again, new)
            new.flush()
            os.fsync(new.fileno())
            end = new.tell()
        self._merges += 1
        # From this line on, the new one is the output.
        self._journal.commit({"merged": self._merges, "end": end})
        self._finish_merge()
        self._again.clear()
        self._remove_unknown()

    def _finish_merge(self) -> None:
        current = self._merged(self._merges)
        if current.exists():
            current.replace(self._path)
        for stale in self._journal.folder.glob(f"{_MERGED}*"):
            stale.unlink()

    def _merged(self, number: int) -> Path:
        return self._journal.folder / f"{_MERGED}{number}"


def _state(path: Path) -> Path:
    return path.with_name(f".{path.name}.abeja-runtime-run")
