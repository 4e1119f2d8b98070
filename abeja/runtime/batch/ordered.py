"""Lines in the order of the inputs, although the results come in another."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from abeja.runtime.batch.line import line_of, write_line
from abeja.runtime.batch.result import Result

# Up to here, a file is copied faster than a thread is woken.
_SMALL_BYTES = 256 * 1024


def _nothing(_: object) -> None:
    """Nobody keeps a journal."""


class Ordered:
    """Appends the lines of results in the order of the inputs. Those that come early wait in files.

    Args:
        append: appends bytes. It is called in any thread, but one call at a time.
        may_block: whether it may take long: then it is called in a thread of its own.
        folder: for the lines that wait.
        first: the number of the line that comes next.
        waiting: the numbers of the lines that wait in `folder` already.
        on_appended: called with a result when its line has been appended.
        on_held: called with a result when its line waits, or when its place is taken by one of an earlier run.
        on_placed: called with the number of a line that was appended after it had waited.

    Attributes:
        next: the number of the line that comes next.
    """

    def __init__(
        self,
        append: Callable[[bytes], None],
        folder: Path,
        *,
        may_block: bool,
        first: int = 0,
        waiting: frozenset[int] = frozenset(),
        on_appended: Callable[[Result], None] = _nothing,
        on_held: Callable[[Result], None] = _nothing,
        on_placed: Callable[[int], None] = _nothing,
    ) -> None:
        self._write = append
        self._may_block = may_block
        self._folder = folder
        self._waiting = set(waiting)
        self._on_appended = on_appended
        self._on_held = on_held
        self._on_placed = on_placed
        self._turn = asyncio.Lock()
        self.next = first

    @property
    def waiting(self) -> int:
        """How many lines wait for one before them."""
        return len(self._waiting)

    def path(self, number: int) -> Path:
        """Where a line waits."""
        return self._folder / str(number)

    async def put(self, result: Result) -> None:
        """Take a result; its spool file goes.

        Raises:
            OSError: a line cannot be written.
        """
        number = result.item.number
        is_large = not isinstance(result.body, bytes)
        # One that waits already is of an earlier run.
        if is_large or self._turn.locked() or number != self.next or number in self._waiting:
            await self._hold(result, is_large=is_large)
        else:
            async with self._turn:
                await self._append(b"".join(line_of(result)))
                self.next += 1
                self._on_appended(result)
        await self.place()

    async def place(self) -> None:
        """Append all lines that waited for nothing but their turn."""
        async with self._turn:
            while self.next in self._waiting:
                path = self.path(self.next)
                if path.stat().st_size <= _SMALL_BYTES:
                    await self._append(path.read_bytes())
                else:
                    await asyncio.to_thread(self._copy, path)
                number, self.next = self.next, self.next + 1
                self._waiting.discard(number)
                self._on_placed(number)
                path.unlink()

    async def _hold(self, result: Result, *, is_large: bool) -> None:
        number = result.item.number
        fresh = self._folder / f"{number}.new"
        if is_large:
            await asyncio.to_thread(_write_file, result, fresh)
        else:
            _write_file(result, fresh)
        result.remove_file()
        async with self._turn:
            fresh.replace(self.path(number))
            if number >= self.next:
                self._waiting.add(number)
            self._on_held(result)

    async def _append(self, data: bytes) -> None:
        if self._may_block:
            await asyncio.to_thread(self._write, data)
        else:
            self._write(data)

    def _copy(self, path: Path) -> None:
        with path.open("rb") as file:
            while data := file.read(_SMALL_BYTES):
                self._write(data)


def _write_file(result: Result, path: Path) -> None:
    with path.open("wb") as file:
        write_line(result, file)
