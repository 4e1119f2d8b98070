import os
import subprocess
import sys
import time
from pathlib import Path

from bench import processes
from bench.processes import Stat, parse_stat, tree

LINE = (
    "4242 (a (b) c) S 17 4242 4242 0 -1 4194304 4521 120 0 0 250 31 7 2 20 0 3 0 901234 150000000 6000 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
)


def _stat(pid: int, parent: int, session: int = 1) -> Stat:
    return Stat(pid=pid, parent=parent, session=session, cpu_ticks=0, rss_pages=0)


def test_stat_is_read_behind_a_name_with_brackets() -> None:
    assert parse_stat(LINE) == Stat(pid=4242, parent=17, session=4242, cpu_ticks=250 + 31 + 7 + 2, rss_pages=6000)


def test_stat_of_this_process() -> None:
    stat = parse_stat(Path("/proc/self/stat").read_text(encoding="utf-8"))

    assert (stat.pid, stat.parent, stat.session) == (os.getpid(), os.getppid(), os.getsid(0))
    assert stat.rss_pages > 0


def test_tree_has_descendants_and_what_is_left_of_the_session() -> None:
    stats = [
        _stat(1, 0),
        _stat(10, 1, session=10),
        _stat(11, 10, session=10),
        _stat(12, 11, session=12),
        # Its parent has ended.
        _stat(13, 1, session=10),
        _stat(20, 1, session=20),
    ]

    assert [stat.pid for stat in tree(10, stats)] == [10, 11, 12, 13]


def test_cpu_time_of_children_that_have_ended_is_kept() -> None:
    code = (
        "import subprocess, sys, time\n"
        "subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.3: pass'])\n"
        "print('done', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        process.stdout.readline()

        assert 0.2 < processes.cpu_s(process.pid) < 5


def test_peak_is_seen_after_the_memory_is_given_back() -> None:
    code = (
        "import sys\n"
        "print(flush=True); sys.stdin.readline()\n"
        "block = b'x' * 100_000_000; print(flush=True); sys.stdin.readline()\n"
        "del block; print(flush=True); sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        before = processes.memory(process.pid)
        with processes.peak_memory(process.pid) as peak:
            process.stdin.write(b"\n")
            process.stdout.readline()
            give_up = time.monotonic() + 10
            while peak.tree < before.tree + 90 and time.monotonic() < give_up:
                time.sleep(0.01)
            process.stdin.write(b"\n")
            process.stdout.readline()
        after = processes.memory(process.pid)
        process.stdin.write(b"\n")

    assert before.processes == 1
    assert 90 < peak.server - before.server < 120
    assert after.tree < before.tree + 20
