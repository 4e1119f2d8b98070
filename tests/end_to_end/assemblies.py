"""Real workers and their dispatcher, without HTTP."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from abeja.runtime.assembly import Assembly
from abeja.runtime.local import call
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.model import Model
from abeja.runtime.plugins import Plugins
from abeja.runtime.spool import Spool
from abeja.runtime.types import Image
from tests.end_to_end.conftest import wait_until


def model_of(code: str, *, folder: Path, environ: dict[str, str]) -> Model:
    """The function `handler` of `code`, of ABI 19.04."""
    (folder / "main.py").write_text(code)
    return Model(
        folder=folder,
        handler="main:handler",
        image=Image(name="test", abi="19.04", encoders=()),
        abi=Plugins.installed().abi("19.04", asked_by="this test"),
        encoders=(),
        python=Path(sys.executable),
        environment=environ,
    )


def play(
    scene: Callable[[Assembly], Coroutine[Any, Any, None]],
    model: Model,
    *,
    workers: int = 1,
    concurrency: int = 1,
    timeout_s: float = 20,
    queue_limit: int = 1,
) -> None:
    """Run a scene with workers that are ready."""

    async def run(spool: Spool) -> None:
        assembly = Assembly.of(
            model,
            spool=spool,
            version="0",
            startup_timeout_s=20,
            timeout_s=timeout_s,
            workers=workers,
            concurrency=concurrency,
            queue_limit=queue_limit,
        )
        await assembly.dispatcher.start()
        try:
            await scene(assembly)
        finally:
            await assembly.pool.stop()

    with Spool() as spool:
        asyncio.run(run(spool))


def request_of(request_id: str, body: bytes = b"body") -> Request:
    """A plain request."""
    return Request(
        request_id=request_id,
        method="POST",
        path="/",
        query="",
        content_type=None,
        headers=(),
        contents=(Content(body=body),),
    )


async def response_to(assembly: Assembly, request_id: str, body: bytes = b"body") -> Response:
    """What the handler answers."""
    return await call(assembly.dispatcher, request_of(request_id, body))


def stand_still(pid: int) -> None:
    """Have a process do nothing any more, in none of its threads."""
    os.kill(pid, signal.SIGSTOP)
    stats = [task / "stat" for task in Path(f"/proc/{pid}/task").iterdir()]
    wait_until(
        lambda: all(stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T" for stat in stats),
        "all threads to stand still",
    )


def has_ended(pid: int) -> bool:
    """Whether all threads of a process have ended: the last one closes its files."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except (FileNotFoundError, ProcessLookupError):
        return True
