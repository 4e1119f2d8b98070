"""A small process that outlives its server to clean up behind it: ``python <this file> SPOOL``.

Started by `guardian.Guardian` and by nothing else; standard library only, nothing of this package. It reads
``+MARK PID`` and ``-MARK PID`` lines, which say which workers there are. At end of file the server has gone, and what
is left of its workers goes too, and its spool folder; unless the line ``end`` came before, from a server that needs
no help.
"""

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

# With the mark of a worker as its value, in the environment of everything that a worker starts.
VARIABLE = "ABEJA_RUNTIME_WORKER"
END = "end\n"


def end_all(mark: str, group: int) -> None:
    """SIGKILL for the process group of a worker, and for what left it but still carries the worker's mark."""
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    # Without a descriptor to look for them, those that have left the group stay: whoever asks goes on.
    with contextlib.suppress(OSError):
        for pid in marked(mark):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> list[int]:
    """The processes that have the mark in the environment that they were started with."""
    entry = f"{VARIABLE}={mark}".encode()
    pids = []
    for name in os.listdir("/proc"):  # noqa: PTH208 (a file system of some hundred entries, read often)
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if entry in file.read().split(b"\0"):
                    pids.append(int(name))
    return pids


def main(spool: Path) -> None:
    """Wait for the end of the server, then clean up."""
    # Nobody waits for this process: it must not become a zombie of its server, nor be taken for a worker.
    if os.fork():
        os._exit(0)
    workers: dict[str, int] = {}
    for line in sys.stdin:
        if line == END:
            return
        mark, _, pid = line[1:].partition(" ")
        if line.startswith("+"):
            workers[mark] = int(pid)
        else:
            workers.pop(mark, None)
    for mark, group in workers.items():
        end_all(mark, group)
    shutil.rmtree(spool, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
