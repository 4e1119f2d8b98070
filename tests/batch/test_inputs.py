"""Inputs: what is listed, in which order, and under which names."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abeja.runtime.batch.inputs import Inputs, _label
from abeja.runtime.errors import InputInvalidError


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes files in the current folder: ``make("a/b.png", "c.jsonl")``."""
    monkeypatch.chdir(tmp_path)

    def make_files(*names: str) -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text('{"a": 1}\n\n[2]\n')

    return make_files


def names(*texts: str, left_out: tuple[str, ...] = ()) -> list[str]:
    """Of the inputs, in their order."""
    items = [item for item in Inputs(texts, left_out=[Path(name) for name in left_out]) if item is not None]
    assert [item.number for item in items] == list(range(len(items)))
    assert Inputs(texts, left_out=[Path(name) for name in left_out]).count() == len(items)
    return [item.name for item in items]


def labels(*texts: str) -> list[str]:
    """Of the inputs, in their order."""
    return [item.label for item in Inputs(texts) if item is not None]


def test_folder_is_listed_by_name_with_its_subfolders(make: Callable[..., None]) -> None:
    make("in/b/2.png", "in/b/10.png", "in/a.png", "in/c.txt", "in/.git/x", "in/b/.hidden")

    assert names("in") == ["a.png", "b/10.png", "b/2.png", "c.txt"]


def test_pattern_matches_files_of_any_depth(make: Callable[..., None]) -> None:
    make("in/a.png", "in/b/c.png", "in/b/d.txt", "in/e.png/f.png")

    assert names("in/**/*.png") == ["a.png", "b/c.png", "e.png/f.png"]
    assert names("in/*.png") == ["a.png"]


def test_names_of_several_inputs_are_relative_to_the_folder_that_they_share(make: Callable[..., None]) -> None:
    make("x/train/a.png", "x/test/a.png", "x/a.png")

    assert names("x/train", "x/test", "x/a.png") == ["train/a.png", "test/a.png", "a.png"]


def test_file_that_several_inputs_name_is_run_once(make: Callable[..., None]) -> None:
    make("x/a.png", "x/b/c.png")

    assert names("x/b", "x", "x/*.png", "x/a.png") == ["b/c.png", "a.png"]


def test_json_lines_are_an_input_for_each_line_that_is_not_blank(make: Callable[..., None]) -> None:
    make("in/a.jsonl", "in/b.NDJSON")

    assert names("in") == ["a.jsonl:1", "a.jsonl:3", "b.NDJSON:1", "b.NDJSON:3"]
    assert labels("in")[:2] == ["a.jsonl/000001", "a.jsonl/000003"]


def test_what_the_run_writes_is_no_input(make: Callable[..., None]) -> None:
    make("in/a.png", "in/out/a.json", "in/report.json")

    assert names("in", left_out=("in/out", "in/report.json")) == ["a.png"]


def test_links_to_folders_are_not_followed(make: Callable[..., None]) -> None:
    make("in/a.png")
    Path("in/again").symlink_to(".")
    Path("in/b.png").symlink_to("a.png")

    assert names("in") == ["a.png", "b.png"]


@pytest.mark.parametrize("text", ["in", "in/*"])
def test_link_that_leads_nowhere_is_an_input_that_cannot_be_read(make: Callable[..., None], text: str) -> None:
    make("in/a.png")
    Path("in/b.png").symlink_to("gone.png")
    Path("in/c.png").symlink_to("c.png")

    assert names(text) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("text", ["in", "in/*"])
def test_what_is_no_file_is_left_out(make: Callable[..., None], text: str) -> None:
    make("in/a.png", "folder/b.png")
    os.mkfifo("in/pipe")
    Path("in/link").symlink_to("pipe")
    Path("in/folder").symlink_to("../folder")
    Path("in/null").symlink_to(os.devnull)

    assert names(text) == ["a.png"]


def test_byte_order_mark_is_no_part_of_the_first_line(make: Callable[..., None]) -> None:
    make("a.jsonl")
    Path("a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n[2]')

    assert [item.content for item in Inputs(["a.jsonl"]) if item is not None] == [b'{"a": 1}', b"[2]"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["missing.png"], "missing.png does not exist"),
        (["*.gif"], "no file matches the input"),
        (["pipe"], "pipe is neither a file nor a folder"),
        (["-", "a.png"], "stdin and other inputs"),
    ],
)
def test_what_is_no_input_is_an_error(make: Callable[..., None], texts: list[str], said: str) -> None:
    make("a.png")
    os.mkfifo("pipe")

    with pytest.raises(InputInvalidError, match=said.replace("*", r"\*")):
        Inputs(texts)


@pytest.mark.parametrize(
    ("siblings", "expected"),
    [
        (["cat.png"], ["cat"]),
        (["cat.jpg", "cat.png"], ["cat.jpg", "cat.png"]),
        (["cat", "cat.png"], ["cat", "cat.png"]),
        (["cat-2.png", "cat.png", "cat2.png"], ["cat-2", "cat", "cat2"]),
        (["cat.jpg", "cat.png", "cat.png.txt"], ["cat.jpg", "cat.png", "cat.png.txt"]),
    ],
)
def test_label_has_the_extension_only_where_it_is_needed(siblings: list[str], expected: list[str]) -> None:
    assert [_label(name, siblings) for name in siblings] == expected


@given(st.lists(st.text(alphabet="ab.-0", min_size=1, max_size=6), unique=True), st.data())
def test_no_two_results_are_in_one_file(siblings: list[str], data: st.DataObject) -> None:
    siblings = sorted(name for name in siblings if not name.startswith("."))

    results = [_label(name, siblings) + data.draw(st.sampled_from([".a", ".b", ".ab", ".0"])) for name in siblings]

    assert len(set(results)) == len(siblings)
