"""The processes of one worker: its own, which leads a group of the same number, and what the handler starts."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from abeja.runtime import worker as worker_package
from abeja.runtime.model import Model
from abeja.runtime.pool import guardian_main
from abeja.runtime.pool.guardian import Guardian

WORKER_FOLDER = Path(worker_package.__file__).parent


class ProcessGroup(asyncio.SubprocessProtocol):
    """Started once, and ended with all that belongs to it.

    Args:
        mark: in the environment of everything that the worker starts, to tell that from other processes.
        guardian: is told of it.
        on_exit: called when the worker's own process has ended.

    Attributes:
        has_exited: whether the worker's own process has ended.
    """

    def __init__(self, *, mark: str, guardian: Guardian, on_exit: Callable[[], None]) -> None:
        self._mark = mark
        self._guardian = guardian
        self._on_exit = on_exit
        self._transport: asyncio.SubprocessTransport | None = None
        self.has_exited = False

    @property
    def pid(self) -> int:
        """Of the worker's own process; 0 if it could not be started."""
        return self._transport.get_pid() if self._transport is not None else 0

    @property
    def exit_code(self) -> int | None:
        """Of the worker's own process, negative for a signal; None if it has not ended, or was never started."""
        return self._transport.get_returncode() if self._transport is not None else None

    async def start(
        self, model: Model, *, channel_fd: int, inbox_fd: int, output_fd: int, memory_fds: tuple[int, ...]
    ) -> None:
        """Start the worker's interpreter.

        Args:
            model: says which interpreter, folder and environment.
            channel_fd: the worker's end of its channel.
            inbox_fd: that of its inbox.
            output_fd: its stdout and stderr.
            memory_fds: of the memory that it shares.

        Raises:
            OSError, ValueError: it cannot be executed.
        """
        self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self,
            str(model.python),
            str(WORKER_FOLDER),
            "--fd",
            str(channel_fd),
            "--inbox",
            str(inbox_fd),
            "--parent",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output_fd,
            stderr=output_fd,
            cwd=model.folder,
            env={**model.environment, guardian_main.VARIABLE: self._mark},
            pass_fds=(channel_fd, inbox_fd, *memory_fds),
            # A group of its own: Ctrl-C is the server's to handle, and its children end with it.
            start_new_session=True,
        )

    def watch(self) -> None:
        """Have the guardian end it if the server is killed."""
        self._guardian.watch(self._mark, self.pid)

    def kill(self) -> None:
        """SIGKILL for the group."""
        if self._transport is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """The worker's own process has ended: so does what it started and did not wait for."""
        if self._transport is not None:
            guardian_main.end_all(self._mark, self.pid)
            self._guardian.forget(self._mark, self.pid)
            self._transport.close()

    def process_exited(self) -> None:
        """Called by the event loop."""
        self.has_exited = True
        self._on_exit()
