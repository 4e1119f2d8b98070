"""Results in a file: what is in it after an end at any moment."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.lines_output import LinesOutput
from abeja.runtime.batch.result import Result
from abeja.runtime.errors import OutputFailedError, RunStateInvalidError

HEADER = {"handler": "main:handler"}


def result(number: int, *, status: int = 200, text: str = "") -> Result:
    """Of an input."""
    item = Item(number=number, name=str(number), label=str(number), content=b"")
    body = json.dumps([number, text]).encode()
    error = "why" if status >= 400 else ""
    return Result(
        item=item, identity=item.identity(), status=status, content_type="application/json", body=body, error=error
    )


def written(path: Path, *results: Result, is_complete: bool = False) -> None:
    """Write results in a part of a run."""

    async def write() -> None:
        output = LinesOutput(path, HEADER, is_resuming=True)
        for each in results:
            await output.put(each)
        await output.close(is_complete=is_complete)

    asyncio.run(write())


def bodies(path: Path) -> list[list[object]]:
    """What the lines have."""
    return [json.loads(line)["body"] for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The output."""
    return tmp_path / "out.jsonl"


def state(path: Path) -> Path:
    """Where the journal is."""
    return path.with_name(".out.jsonl.abeja-runtime-run")


def test_lines_that_came_early_are_there_in_the_next_part(path: Path) -> None:
    written(path, result(0), result(3), result(2))
    assert bodies(path) == [[0, ""]]

    written(path, result(1), is_complete=True)

    assert bodies(path) == [[0, ""], [1, ""], [2, ""], [3, ""]]
    assert [name.name for name in state(path).iterdir()] == ["journal.jsonl"]


def test_line_that_the_journal_does_not_know_is_cut_off(path: Path) -> None:
    written(path, result(0))
    with path.open("ab") as file:
        file.write(b'{"input": "1", "status": 200, "bo')

    written(path, result(1))

    assert bodies(path) == [[0, ""], [1, ""]]


def test_output_that_was_shortened_is_an_error(path: Path) -> None:
    written(path, result(0), result(1))
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(RunStateInvalidError, match="shorter"):
        written(path)


def test_new_results_take_the_places_of_old_ones_when_all_is_done(path: Path) -> None:
    written(path, result(0), result(1, status=500), result(2), result(3, status=500), result(4))

    written(path, result(3, text="new"))
    assert bodies(path)[3] == [3, ""]
    written(path, result(1, text="longer than before"), is_complete=True)

    assert bodies(path) == [[0, ""], [1, "longer than before"], [2, ""], [3, "new"], [4, ""]]
    written(path, result(5), is_complete=True)
    assert bodies(path)[5] == [5, ""]


@pytest.mark.parametrize("is_noted", [True, False])
def test_end_while_new_results_are_put_in_their_places(path: Path, *, is_noted: bool) -> None:
    written(path, result(0), result(1, status=500))
    before = path.read_bytes()
    journal = state(path) / "journal.jsonl"
    written(path, result(1, text="new"))
    journal_before = journal.read_bytes()
    held = (state(path) / "held" / "1").read_bytes()
    written(path, is_complete=True)
    after, journal_after = path.read_bytes(), journal.read_bytes()

    # As it was when the new file was complete, but had not taken the place of the old one.
    path.write_bytes(before)
    (state(path) / "merged-1").write_bytes(after)
    (state(path) / "held").mkdir()
    (state(path) / "held" / "1").write_bytes(held)
    journal.write_bytes(journal_after if is_noted else journal_before)

    written(path, is_complete=True)

    assert path.read_bytes() == after
    assert [name.name for name in state(path).iterdir()] == ["journal.jsonl"]


def test_full_disk_leaves_no_half_line_that_anything_follows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    written(path, result(0))

    async def write() -> None:
        output = LinesOutput(path, HEADER, is_resuming=True)
        await output.put(result(2))

        def half(handle: int, data: bytes) -> int:
            if real(handle, bytes(data)[:20]):
                raise OSError(28, "No space left on device")
            return 0

        monkeypatch.setattr("os.write", half)
        try:
            with pytest.raises(OutputFailedError, match="No space left on device"):
                await output.put(result(1))
        finally:
            monkeypatch.setattr("os.write", real)
        await output.close(is_complete=False)

    asyncio.run(write())
    written(path, result(1))

    assert bodies(path) == [[0, ""], [1, ""], [2, ""]]
