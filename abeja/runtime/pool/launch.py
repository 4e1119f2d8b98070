"""Starts the process of a worker, and says why it could not be started."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from abeja.runtime import worker as worker_package
from abeja.runtime.errors import WorkerStartError
from abeja.runtime.model import Model
from abeja.runtime.pool import guardian_main

WORKER_FOLDER = Path(worker_package.__file__).parent


async def execute(
    protocol: asyncio.SubprocessProtocol,
    model: Model,
    *,
    mark: str,
    channel_fd: int,
    inbox_fd: int,
    output_fd: int,
    memory_fds: tuple[int, ...],
) -> asyncio.SubprocessTransport:
    """Start the worker's interpreter.

    Args:
        protocol: hears of its end.
        model: says which interpreter, folder and environment.
        mark: see `WorkerProcess`.
        channel_fd: the worker's end of its channel.
        inbox_fd: that of its inbox.
        output_fd: its stdout and stderr.
        memory_fds: of the memory that it shares.

    Raises:
        OSError, ValueError: it cannot be executed.
    """
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: protocol,
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
        env={**model.environment, guardian_main.VARIABLE: mark},
        pass_fds=(channel_fd, inbox_fd, *memory_fds),
        # A group of its own: Ctrl-C is the server's to handle, and its children end with it.
        start_new_session=True,
    )
    return transport


def not_started(model: Model, error: Exception) -> WorkerStartError:
    """The error for a worker whose process could not be started."""
    message = f"the worker's Python {model.python} cannot be started: {error}."
    if not model.folder.is_dir():
        message = f"the model's folder {model.folder} is gone."
    hint = "--python names the interpreter; a machine may also be out of descriptors, processes or memory."
    return WorkerStartError(message, hint=hint)


def ended_too_early(model: Model, reason: str, last_lines: Iterable[str]) -> WorkerStartError:
    """The error for a worker that ended before it was ready.

    Args:
        model: what it was to run.
        reason: how it ended.
        last_lines: of its output.
    """
    # A crash's stack ends in frames of ours, which say nothing to the user.
    output = "\n".join(line for line in last_lines if str(WORKER_FOLDER) not in line)
    shown = f"\nIts last output:\n{output}" if output else ""
    return WorkerStartError(
        f"the worker ({model.python}) {reason} before it was ready.{shown}",
        hint="run the handler's module with this interpreter to see why: "
        f"cd {model.folder} && {model.python} -c 'import {model.handler.partition(':')[0]}'",
    )
