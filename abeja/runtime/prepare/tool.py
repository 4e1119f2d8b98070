"""Runs the tools that build environments, and keeps what they say."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

# How often a tool that says nothing is shown to be alive.
_TICK_S = 0.2
_READ_BYTES = 64 * 1024


@frozen
class Outcome:
    """How a tool ended.

    Attributes:
        code: its exit code.
        output: both streams.
    """

    code: int
    output: str

    @property
    def is_success(self) -> bool:
        """Whether it did what it was told."""
        return self.code == 0


@frozen(kw_only=True)
class Tool:
    """Runs commands for one build.

    Attributes:
        folder: the current folder of the commands.
        environ: their variables.
        lock: a descriptor that they hold as long as they run.
        on_progress: called with their last line every now and then.
    """

    folder: Path
    environ: Mapping[str, str]
    lock: int
    on_progress: Callable[[str], None]

    def run(self, command: Sequence[str | Path]) -> Outcome:
        """Run a command to its end.

        Raises:
            OSError: it cannot be executed.
        """
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(self.lock,),
        ) as process:
            output = self._read(process)
            return Outcome(process.wait(), output.decode("utf-8", "replace"))

    def _read(self, process: "subprocess.Popen[bytes]") -> bytes:
        output, stream = bytearray(), process.stdout
        if stream is None:
            return b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            shown = time.monotonic()
            while True:
                if selector.select(_TICK_S):
                    data = os.read(stream.fileno(), _READ_BYTES)
                    if not data:
                        return bytes(output)
                    output += data
                if time.monotonic() - shown >= _TICK_S:
                    shown = time.monotonic()
                    self.on_progress(_last_line(output))


def _last_line(output: bytearray) -> str:
    lines = output[-2000:].decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
