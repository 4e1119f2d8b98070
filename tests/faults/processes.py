"""What a server holds, looked at from outside."""

import contextlib
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from abeja.runtime.worker.shared_memory import BLOCK_BYTES
from tests.end_to_end.conftest import RunningServer, wait_until

_LOOKS = 4


def skip_unless_possible(command: Sequence[str | Path]) -> None:
    """Skip the test if this machine does not have the command, or does not let us run it."""
    try:
        tried = subprocess.run(command, check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip(f"there is no {command[0]} on this machine")
    if tried.returncode != 0:
        pytest.skip(f"this machine does not let us {command[0]}")


def descriptors_at_rest(server: RunningServer) -> Counter[str]:
    """What the server has open, by kind, when the connections of clients that have left are closed."""
    seen = [_descriptors(server)]

    def is_at_rest() -> bool:
        seen.append(_descriptors(server))
        return len(seen) > _LOOKS and all(found == seen[-1] for found in seen[-_LOOKS:])

    wait_until(is_at_rest, "the server to be at rest")
    return seen[-1]


def spool_of(server: RunningServer) -> Path:
    """Its spool folder, which it keeps open."""
    (spool,) = {path for path in open_in(server) if path.name.startswith("abeja-runtime-spool-")}
    return spool


def files_in(folder: Path) -> list[str]:
    """The names of all files in a folder and those below."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


def blocks_in_use(server: RunningServer) -> int:
    """How many blocks of its memory for bodies are taken, in that for requests and in those for answers."""
    links = [link for link in Path(f"/proc/{server.process.pid}/fd").iterdir() if _is_body_memory(link)]
    # The system lists the same file once for each descriptor of it.
    memories = {link.stat().st_ino: link for link in links}
    return sum(_blocks_in_use(link) for link in memories.values())


def _is_body_memory(link: Path) -> bool:
    try:
        return link.readlink().name.startswith("memfd:abeja-runtime-bodies")
    except FileNotFoundError:  # it was closed meanwhile
        return False


def _blocks_in_use(memory: Path) -> int:
    blocks = memory.stat().st_size // BLOCK_BYTES
    with memory.open("rb") as file:
        return sum(file.read(blocks))


def _descriptors(server: RunningServer) -> Counter[str]:
    return Counter(str(path).partition(":[")[0] for path in open_in(server))


def open_in(server: RunningServer) -> Iterator[Path]:
    """What its descriptors stand for, and those of its fronts."""
    for pid in (server.process.pid, *server.fronts()):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                yield link.readlink()
