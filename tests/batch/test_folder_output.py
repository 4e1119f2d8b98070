"""Results in a folder: what is in it after an end at any moment."""

import asyncio
from pathlib import Path

import pytest

from abeja.runtime.batch.folder_output import FolderOutput
from abeja.runtime.batch.item import Item
from abeja.runtime.batch.result import Result

HEADER = {"handler": "main:handler"}


def result(number: int, *, status: int = 200, content_type: str = "application/json") -> Result:
    """Of an input."""
    item = Item(number=number, name=f"sub/{number}.png", label=f"sub/{number}", content=b"")
    error = "why" if status >= 400 else ""
    return Result(item=item, identity=item.identity(), status=status, content_type=content_type, body=b"1", error=error)


def written(folder: Path, *results: Result) -> list[str]:
    """Write results in a part of a run; what is in the folder then."""

    async def write() -> None:
        output = FolderOutput(folder, HEADER, is_resuming=True)
        for each in results:
            await output.put(each)
        await output.close(is_complete=True)

    asyncio.run(write())
    return sorted(str(path.relative_to(folder)) for path in folder.glob("sub/*"))


def state(folder: Path) -> Path:
    """Where the journal is."""
    return folder / ".abeja-runtime-run"


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("application/json; charset=utf8", "json"),
        ("image/jpeg", "jpg"),
        ("TEXT/CSV", "csv"),
        ("application/x-nobody-knows", "bin"),
        ("", "bin"),
    ],
)
def test_extension_is_that_of_the_answer(tmp_path: Path, content_type: str, extension: str) -> None:
    assert written(tmp_path / "out", result(0, content_type=content_type)) == [f"sub/0.{extension}"]


def test_result_that_the_journal_knows_is_put_in_its_place(tmp_path: Path) -> None:
    written(tmp_path, result(0), result(1))
    # As it was when the journal knew it, but it had not been moved.
    (state(tmp_path) / "held").mkdir()
    (tmp_path / "sub" / "1.json").rename(state(tmp_path) / "held" / "1")

    assert written(tmp_path) == ["sub/0.json", "sub/1.json"]


def test_result_that_the_journal_does_not_know_is_removed(tmp_path: Path) -> None:
    written(tmp_path, result(0))
    (state(tmp_path) / "held").mkdir()
    (state(tmp_path) / "held" / "1").write_bytes(b"1")

    assert written(tmp_path) == ["sub/0.json"]
    assert [path.name for path in state(tmp_path).iterdir()] == ["journal.jsonl"]


def test_failure_gives_way_to_its_new_result(tmp_path: Path) -> None:
    assert written(tmp_path, result(0, status=500), result(1, status=500)) == ["sub/0.error", "sub/1.error"]

    assert written(tmp_path, result(0), result(1, status=502)) == ["sub/0.json", "sub/1.error"]


def test_result_that_is_lost_with_the_power_is_not_there_under_another_name(tmp_path: Path) -> None:
    written(tmp_path, result(0))
    journal = state(tmp_path) / "journal.jsonl"
    before = journal.read_text()
    written(tmp_path, result(1))
    # Of the second part, nothing but the line and the file had reached the disk; and another boot has begun.
    line = next(line for line in journal.read_text().splitlines() if '"n":1' in line)
    journal.write_text(f'{before}{{"boot":"another"}}\n{line}\n')

    assert written(tmp_path, result(1, content_type="text/csv")) == ["sub/0.json", "sub/1.csv"]
