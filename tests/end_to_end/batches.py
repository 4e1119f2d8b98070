"""Runs over many inputs: the installed command, in a folder that has everything that it needs."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.end_to_end.conftest import children_of, wait_until


@frozen
class Batch:
    """A folder with everything that a run needs.

    Attributes:
        folder: has the inputs below `in`.
        start: starts a run: ``start("--output", "out.jsonl")``.
    """

    folder: Path
    start: Callable[..., "subprocess.Popen[str]"]

    def run(self, *arguments: str, code: int | None = 0) -> tuple[str, str]:
        """What a run writes to stdout and stderr; it must end with `code`, unless that is None."""
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=50)
        assert code in (None, process.returncode), stderr
        return stdout, stderr

    def add(self, name: str, wish: dict[str, Any] | bytes) -> None:
        """An input."""
        path = self.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wish if isinstance(wish, bytes) else json.dumps(wish).encode())

    def add_many(self, count: int, **wish: Any) -> None:
        """Inputs that are alike, in the order of their names."""
        for number in range(count):
            self.add(f"{number:04}.json", {"n": number, **wish})

    def calls(self) -> Counter[str]:
        """How often the handler was asked for each."""
        path = self.folder / "calls"
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def lines(self, name: str = "out.jsonl") -> list[dict[str, Any]]:
        """What a file of results has."""
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    def files(self, name: str = "out") -> list[str]:
        """The names of the results in a folder."""
        root = self.folder / name
        return sorted(
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and ".abeja-runtime-run" not in path.parts
        )

    def journaled(self) -> list[str]:
        """The inputs that are done, by the journal."""
        (path,) = self._journals()
        lines = [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        return [line["input"] for line in lines if "n" in line]

    def wait_for(self, count: int) -> None:
        """Wait until so many inputs are done."""
        wait_until(lambda: any(self._journals()) and len(self.journaled()) >= count, f"{count} to be done")

    def wait_until_called(self) -> None:
        """Wait until the handler has been asked for an input, whichever is first."""
        wait_until(self.calls, "the handler to be called")

    def _journals(self) -> list[Path]:
        return [path for folder in (self.folder, self.folder / "out") for path in folder.glob(".*run/journal.jsonl")]


def batch_in(folder: Path, *, command: Path, handler: Path, environ: dict[str, str]) -> Iterator[Batch]:
    """An empty batch for the handler `batch`, or one like it; what it has started ends when this goes on."""
    started: list[subprocess.Popen[str]] = []
    gate = folder / "gate"
    gate.touch()

    def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [command, "run", "--image-version", "19.04", "--model-dir", handler, *arguments],
            cwd=folder,
            env={**environ, "TMPDIR": str(folder / "tmp"), "CALLS": str(folder / "calls"), "GATE": str(gate)},
            text=True,
            **{"stdin": pipe, "stdout": pipe, "stderr": pipe, **options},
        )
        started.append(process)
        return process

    (folder / "in").mkdir()
    (folder / "tmp").mkdir()
    yield Batch(folder, start)
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def kill_a_worker(pid: int) -> None:
    """SIGKILL to one of the workers of a run."""
    workers = [child for child in children_of(pid) if b"--parent" in Path(f"/proc/{child}/cmdline").read_bytes()]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
