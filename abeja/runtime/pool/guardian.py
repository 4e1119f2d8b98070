"""The server's end of the process that cleans up when the server is killed; see `guardian_main`."""

import contextlib
import logging
import subprocess
import sys
from pathlib import Path

from abeja.runtime.pool import guardian_main

_log = logging.getLogger("abeja.runtime")

_DETACHED_S = 5.0


class Guardian:
    """Knows which workers there are, and outlives the server that tells it.

    Without it, what a handler started would outlive a server that was ended with SIGKILL: the kernel ends only
    the workers themselves then.

    Args:
        spool: the server's spool folder, which is removed behind it.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; without it the server still serves."""
        try:
            self._process = subprocess.Popen(
                # Isolated and without site: it needs nothing, and starts in a few milliseconds.
                [sys.executable, "-I", "-S", guardian_main.__file__, self._spool],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                # Out of the reach of Ctrl-C, and of whoever kills the server's process group.
                start_new_session=True,
            )
        except OSError as error:
            _log.warning("what a handler starts may outlive a killed server: no guardian could be started: %s", error)

    def detach(self) -> None:
        """Wait until it is no child of this process any more, which takes some milliseconds after its start."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_DETACHED_S)

    def watch(self, mark: str, pid: int) -> None:
        """A worker has been started, in a process group of its own."""
        self._tell(f"+{mark} {pid}\n")

    def forget(self, mark: str, pid: int) -> None:
        """A worker has gone, and what it started."""
        self._tell(f"-{mark} {pid}\n")

    def close(self) -> None:
        """Let it end: all workers have gone, and the spool folder is its owner's."""
        self.detach()
        self._tell(guardian_main.END)
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()
        except OSError:
            _log.warning("the guardian has gone; what a handler starts may outlive a killed server")
            self._process = None
