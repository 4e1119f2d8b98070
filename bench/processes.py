"""What the processes of a server cost: memory and processor time of a tree, read from /proc.

Source: proc_pid_stat(5). Memory is the resident set size; pages that processes share count for each of them.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_MEBIBYTE = 1024 * 1024
_SAMPLE_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Stat:
    """One process.

    Attributes:
        pid: its id.
        parent: its parent's id.
        session: that of its session.
        cpu_ticks: user and system time, with that of children which it has waited for.
        rss_pages: resident memory.
    """

    pid: int
    parent: int
    session: int
    cpu_ticks: int
    rss_pages: int


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Resident memory of a server, in MiB.

    Attributes:
        tree: of all its processes.
        server: of the process that was started.
        processes: how many there are.
    """

    tree: float
    server: float
    processes: int


@dataclass(kw_only=True)
class Peak:
    """The most that was seen in a span of time, in MiB."""

    tree: float = 0.0
    server: float = 0.0


def parse_stat(text: str) -> Stat:
    """The line of ``/proc/PID/stat``; the name in it may have spaces and brackets."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=sum(map(int, fields[11:15])),
        rss_pages=int(fields[21]),
    )


def tree(root: int, stats: Iterable[Stat]) -> list[Stat]:
    """The process `root`, its descendants, and what else is of the session that it leads."""
    by_pid = {stat.pid: stat for stat in stats}

    def belongs(stat: Stat) -> bool:
        seen = set()
        while stat.pid not in seen:
            if root in {stat.pid, stat.session}:
                return True
            seen.add(stat.pid)
            stat = by_pid.get(stat.parent, stat)
        return False

    return [stat for stat in by_pid.values() if belongs(stat)]


def processes(root: int) -> list[Stat]:
    """The tree of `root` as it is now."""
    return tree(root, _all())


def memory(root: int) -> Memory:
    """The memory of the tree of `root` as it is now."""
    members = processes(root)
    return Memory(
        tree=_mebibytes(members),
        server=_mebibytes(stat for stat in members if stat.pid == root),
        processes=len(members),
    )


def cpu_s(root: int) -> float:
    """Processor time that the tree of `root` has used so far, in seconds; its unit is about 10 ms."""
    return sum(stat.cpu_ticks for stat in processes(root)) / _TICKS_PER_S


@contextmanager
def peak_memory(root: int) -> Iterator[Peak]:
    """The largest memory of the tree of `root` until the end of the context, sampled every 20 ms."""
    peak, is_over = Peak(), threading.Event()

    def sample() -> None:
        while True:
            now = memory(root)
            peak.tree, peak.server = max(peak.tree, now.tree), max(peak.server, now.server)
            if is_over.wait(_SAMPLE_S):
                return

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peak
    finally:
        is_over.set()
        sampler.join()


def _mebibytes(stats: Iterable[Stat]) -> float:
    return sum(stat.rss_pages for stat in stats) * _PAGE_BYTES / _MEBIBYTE


def _all() -> Iterator[Stat]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield parse_stat((folder / "stat").read_text(encoding="utf-8", errors="replace"))
            except (FileNotFoundError, ProcessLookupError):
                # It has ended meanwhile.
                continue
