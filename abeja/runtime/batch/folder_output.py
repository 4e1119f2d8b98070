"""Results as files of a folder, one for each input."""

import asyncio
import contextlib
import mimetypes
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abeja.runtime.batch.journal import Journal
from abeja.runtime.batch.line import write_line
from abeja.runtime.batch.output import check_occupied, entry_of, failed
from abeja.runtime.batch.past import Past
from abeja.runtime.batch.result import Result

_STATE = ".abeja-runtime-run"
_HELD = "held"
# Extensions have one dot: so no two labels lead to one file, see `Item.label`.
_ERROR_EXTENSION = ".error"
_UNKNOWN_EXTENSION = ".bin"


class FolderOutput:
    """Writes each result to a file of its own; that of a failure says why.

    A result is first a hidden file, then a line of the journal, then the file that the line names. So whatever comes in
    between, either the result is complete and known, or there is nothing of it.

    Args:
        folder: has them; it is made.
        header: what is run, for the journal.
        is_resuming: whether results may be there already.

    Raises:
        OutputOccupiedError, OutputFailedError, RunDiffersError, RunInProgressError, RunStateInvalidError: see there.
    """

    held = 0

    def __init__(self, folder: Path, header: Mapping[str, Any], *, is_resuming: bool) -> None:
        self.check(folder, is_resuming=is_resuming)
        self._folder = folder
        self._journal = Journal(folder / _STATE, {**header, "output": "folder"})
        self._held = self._journal.folder / _HELD
        self._read()

    @property
    def past(self) -> Past:
        """What it has already."""
        return self._journal.past

    @staticmethod
    def check(folder: Path, *, is_resuming: bool) -> bool:
        """See that results may be written there; True if an earlier part of the run has written some.

        Raises:
            OutputOccupiedError: they may not.
            OutputFailedError: it cannot be looked at.
        """
        try:
            is_occupied = folder.exists() and any(folder.iterdir())
        except OSError as error:
            raise failed(folder, error) from error
        if is_occupied:
            check_occupied(folder, is_resuming=is_resuming, has_journal=Journal.exists(folder / _STATE))
        return is_occupied

    async def put(self, result: Result) -> None:
        """See `Output`."""
        held = self._held / str(result.item.number)
        try:
            if not isinstance(result.body, bytes):
                await asyncio.to_thread(_write, result, held)
            else:
                _write(result, held)
            result.remove_file()
            entry = {**entry_of(result), "label": result.item.label, "extension": _extension(result)}
            self._journal.add(entry)
            self._place(held, entry)
        except OSError as error:
            raise failed(self._folder, error) from error

    async def sync(self) -> None:
        """See `Output`."""
        await self._journal.sync()

    async def close(self, *, is_complete: bool) -> None:
        """See `Output`."""
        if is_complete:
            with contextlib.suppress(OSError):
                self._held.rmdir()
        await self._journal.close()

    def _place(self, held: Path, entry: Mapping[str, Any]) -> None:
        error = self._folder / f"{entry['label']}{_ERROR_EXTENSION}"
        target = self._folder / f"{entry['label']}{entry['extension']}"
        try:
            held.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            held.replace(target)
        self._journal.wrote(target)
        if target != error and entry["n"] in self._failed:
            # An earlier failure has been run again.
            error.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            self._held.mkdir(exist_ok=True)
            held = {int(path.name): path for path in self._held.iterdir() if path.name.isdigit()}
            entries: dict[int, Mapping[str, Any]] = {}
            self._failed: set[int] = set()

            def take(line: Mapping[str, Any], is_believed: bool) -> None:  # noqa: FBT001 (of the journal)
                if not is_believed and not line["error"]:
                    # It will be run again, and may be answered with another type.
                    (self._folder / f"{line['label']}{line['extension']}").unlink(missing_ok=True)
                elif is_believed and line["error"]:
                    self._failed.add(line["n"])
                if is_believed and line["n"] in held:
                    entries[line["n"]] = line

            self._journal.read(take)
            for number, path in held.items():
                if number in entries:
                    self._place(path, entries[number])
                else:
                    path.unlink()
        except OSError as error:
            raise failed(self._folder, error) from error


def _write(result: Result, path: Path) -> None:
    if result.is_failure:
        with path.open("wb") as file:
            write_line(result, file)
    elif isinstance(result.body, bytes):
        path.write_bytes(result.body)
    else:
        with result.body.open() as body, path.open("wb") as file:
            shutil.copyfileobj(body, file)


def _extension(result: Result) -> str:
    if result.is_failure:
        return _ERROR_EXTENSION
    media_type = result.content_type.partition(";")[0].strip().lower()
    return mimetypes.guess_extension(media_type) or _UNKNOWN_EXTENSION
