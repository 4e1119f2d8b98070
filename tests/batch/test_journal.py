"""The journal: what is believed after an interruption of any kind."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.journal import Journal
from abeja.runtime.errors import RunDiffersError, RunInProgressError, RunStateInvalidError

HEADER = {"handler": "main:handler", "inputs": ["in"]}


def entry(number: int, *, error: str = "") -> dict[str, Any]:
    """A line about an input."""
    identity = item(number).identity()
    return {"n": number, "input": str(number), "of": identity, "status": 200, "time": 0.5, "error": error}


def item(number: int, *, content: bytes = b"1") -> Item:
    """An input."""
    return Item(number=number, name=str(number), label=str(number), content=content)


def opened(folder: Path, header: Mapping[str, Any] = HEADER) -> tuple[Journal, list[tuple[int, bool]]]:
    """The journal, and the inputs that it names, with whether it believes that they are done."""
    journal = Journal(folder, header)
    taken: list[tuple[int, bool]] = []
    journal.read(lambda line, is_believed: taken.append((line["n"], is_believed)))
    return journal, taken


def written(folder: Path, *entries: Mapping[str, Any]) -> Path:
    """The file of a journal that has these lines."""
    journal, _ = opened(folder)
    for line in entries:
        journal.add(line)
    asyncio.run(journal.close())
    return folder / "journal.jsonl"


def test_journal_knows_what_is_done(tmp_path: Path) -> None:
    written(tmp_path, entry(0), entry(2, error="why"))

    journal, taken = opened(tmp_path)

    assert taken == [(0, True), (2, True)]
    past = journal.past
    assert past.of(item(1), may_run_again=False) is None
    done = past.of(item(2), may_run_again=False)
    assert done is not None
    assert (done.status, done.time_s, done.error) == (200, 0.5, "why")
    assert past.of(item(2), may_run_again=True) is None
    assert past.of(item(0), may_run_again=True) is not None


def test_last_word_on_an_input_counts(tmp_path: Path) -> None:
    written(tmp_path, entry(0, error="why"), entry(0))

    done = opened(tmp_path)[0].past.of(item(0), may_run_again=True)

    assert done is not None
    assert done.error == ""


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_torn_last_line_is_dropped(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, entry(0))
    whole = path.read_bytes()
    path.write_bytes(whole + (json.dumps(entry(1)) + "\n").encode()[:-cut])

    journal, taken = opened(tmp_path)

    assert taken == [(0, True)]
    journal.add(entry(2))
    asyncio.run(journal.close())
    assert opened(tmp_path)[1] == [(0, True), (2, True)]


def test_after_a_boot_only_what_was_on_the_disk_is_believed(tmp_path: Path) -> None:
    path = written(tmp_path, entry(0))
    with path.open("a") as file:
        file.write(json.dumps(entry(1)) + "\n")
    path.write_text(path.read_text().replace('"boot":"', '"boot":"another-'))

    # What "synced" says are bytes, and the name of the other boot is eight longer.
    synced = json.loads(path.read_text().splitlines()[3])["synced"]
    path.write_text(path.read_text().replace(f'"synced":{synced}', f'"synced":{synced + len("another-")}'))
    journal, taken = opened(tmp_path)

    assert taken == [(0, True), (1, False)]
    assert journal.past.of(item(0), may_run_again=False) is not None
    assert journal.past.of(item(1), may_run_again=False) is None


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, entry(0), entry(1))
    path.write_bytes(path.read_bytes().replace(b'{"n":0', b'{"n":', 1))

    with pytest.raises(RunStateInvalidError, match="line 3"):
        opened(tmp_path)


def test_file_that_is_no_journal_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"n": 0}\n{"n": 1}\n')

    with pytest.raises(RunStateInvalidError, match="line 1"):
        opened(tmp_path)


def test_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    written(tmp_path)

    with pytest.raises(RunDiffersError, match="another value of --input: in, now in other"):
        opened(tmp_path, {**HEADER, "inputs": ["in", "other"]})


def test_journal_that_is_open_is_refused(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)

    with pytest.raises(RunInProgressError):
        opened(tmp_path)
    asyncio.run(journal.close())


def test_input_that_has_changed_or_moved_is_refused(tmp_path: Path) -> None:
    written(tmp_path, entry(0), entry(1, error="why"))
    past = opened(tmp_path)[0].past

    with pytest.raises(RunDiffersError):
        past.of(item(0, content=b"2"), may_run_again=True)
    with pytest.raises(RunDiffersError):
        past.of(Item(number=1, name="0", label="", content=b"1"), may_run_again=True)
    # One that is run again may have been put right.
    assert past.of(item(1, content=b"2"), may_run_again=True) is None
    with pytest.raises(RunDiffersError):
        past.of(item(1, content=b"2"), may_run_again=False)


def test_inputs_that_are_missing_at_the_end_are_noticed(tmp_path: Path) -> None:
    written(tmp_path, entry(0), entry(1))
    past = opened(tmp_path)[0].past

    past.check_end(2)
    with pytest.raises(RunDiffersError, match="there are 1 inputs"):
        past.check_end(1)
