"""A child process that writes to a log and is gone in the end."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Nothing here takes longer than its imports.
TIMEOUT_S = 30


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `command`; whoever uses it makes it end by itself.

    Args:
        command: the program and its arguments.
        folder: its current folder.
        environment: variables on top of those of the tests.
        log: takes both output streams.
        pass_fds: descriptors that it inherits.

    Raises:
        subprocess.TimeoutExpired: it did not end and had to be killed.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "ABEJA_RUNTIME_LOG_FORMAT": "text", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
        ) as process,
    ):
        try:
            yield process
        finally:
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
