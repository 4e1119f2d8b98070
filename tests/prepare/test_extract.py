"""`abeja-runtime extract`: its exit codes, and what it does to a destination."""

from typing import Any

import pytest

from abeja.runtime.cli import main


def test_folder_is_copied(sandbox: Any) -> None:
    sandbox.archive.mkdir()
    (sandbox.archive / "a").write_bytes(b"a")

    result = sandbox.extract()

    assert (result.code, result.files(), result.stderr) == (0, {"a": b"a"}, "1 members, 1 bytes\n")


def test_link_out_of_a_folder_is_refused(sandbox: Any) -> None:
    sandbox.archive.mkdir()
    (sandbox.archive / "a").symlink_to("../outside/canary")

    assert "outside of the archive" in sandbox.refuse()


def test_folder_with_its_destination_in_it_is_refused(sandbox: Any) -> None:
    sandbox.archive.mkdir()
    sandbox.dest = sandbox.archive / "dest"

    assert "its own destination" in sandbox.refuse()


def test_empty_destination_is_filled_and_another_one_kept(sandbox: Any) -> None:
    sandbox.archive.mkdir()
    (sandbox.archive / "a").write_bytes(b"a")
    sandbox.dest.mkdir()

    assert sandbox.extract().code == 0
    again = sandbox.extract()
    assert (again.code, again.files()) == (2, {"a": b"a"})
    assert "folder-occupied" in again.stderr


def test_missing_archive_is_a_mistake_of_the_caller(sandbox: Any) -> None:
    assert sandbox.extract().code == 2


def test_help_says_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["extract", "--help"])
    text = capsys.readouterr().out
    for word in ("ARCHIVE", "DEST", "exit code 3", "abeja-runtime extract result.tar.gz"):
        assert word in text
