"""Extracts archives with the command, in this process, and looks at everything around the destination."""

import os
import stat
from pathlib import Path

import pytest
from attrs import frozen

from abeja.runtime.cli import main

Snapshot = dict[str, tuple[str, bytes]]


@frozen
class Extraction:
    """What `abeja-runtime extract` did.

    Attributes:
        code: its exit code.
        stderr: what it printed.
        dest: the destination.
    """

    code: int
    stderr: str
    dest: Path

    def files(self) -> dict[str, bytes]:
        """The files in the destination, by their paths in it."""
        return {
            str(path.relative_to(self.dest)): path.read_bytes()
            for path in sorted(self.dest.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


class Sandbox:
    """A folder with an archive, a destination that does not exist, and files that must stay as they are."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.folder = folder
        self.archive = folder / "archive"
        self.dest = folder / "dest"
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_bytes(b"alive")

    def extract(self, data: bytes | None = None, *options: str) -> Extraction:
        """Extract an archive that has these bytes."""
        if data is not None:
            self.archive.write_bytes(data)
        with pytest.raises(SystemExit) as ended:
            main(["extract", str(self.archive), str(self.dest), *options])
        return Extraction(int(str(ended.value.code)), self._capsys.readouterr().err, self.dest)

    def refuse(self, data: bytes | None = None, *options: str) -> str:
        """Try to extract an archive, which must fail and change nothing; returns the error."""
        if data is not None:
            self.archive.write_bytes(data)
        before = self.snapshot()
        result = self.extract(None, *options)
        assert result.code == 3, result.stderr
        assert self.snapshot() == before
        assert "Hint: " in result.stderr
        assert str(self.archive) in result.stderr
        return result.stderr

    def snapshot(self) -> Snapshot:
        """Everything in the sandbox, with types, modes and contents."""
        found = {}
        for folder, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = Path(folder, name)
                mode = path.lstat().st_mode
                content = path.read_bytes() if stat.S_ISREG(mode) else b""
                found[str(path)] = (stat.filemode(mode), content)
        return found


@pytest.fixture
def sandbox(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox, with the folder of the sandbox as the current one."""
    monkeypatch.chdir(tmp_path)
    return Sandbox(tmp_path, capsys)
