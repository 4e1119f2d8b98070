"""Requests for a worker that has ended without the server having noticed: real workers, no HTTP."""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from abeja.runtime.assembly import Assembly
from abeja.runtime.local import call
from abeja.runtime.messages import Content, Request
from abeja.runtime.model import Model
from abeja.runtime.plugins import Plugins
from abeja.runtime.spool import Spool
from abeja.runtime.types import Image
from tests.end_to_end.conftest import wait_until


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_a_worker_did_not_get_is_run_by_another(
    tmp_path: Path, environ: dict[str, str], workers: int, concurrency: int
) -> None:
    (tmp_path / "main.py").write_text(
        "import os\ndef handler(request, context):\n    return {'content': str(os.getpid())}\n"
    )
    model = Model(
        folder=tmp_path,
        handler="main:handler",
        image=Image(name="test", abi="19.04", encoders=()),
        abi=Plugins.installed().abi("19.04", asked_by="this test"),
        encoders=(),
        python=Path(sys.executable),
        environment=environ,
    )

    async def play(spool: Spool) -> None:
        assembly = Assembly.of(
            model,
            spool=spool,
            version="0",
            startup_timeout_s=20,
            timeout_s=20,
            workers=workers,
            concurrency=concurrency,
        )
        await assembly.dispatcher.start()
        try:
            for number in range(3):
                pid = await _ask(assembly, f"{number}-1")
                os.kill(pid, signal.SIGKILL)
                # The event loop stands still meanwhile, so the server knows nothing of it.
                wait_until(partial(_has_ended, pid), "the worker to end")
                assert await _ask(assembly, f"{number}-2") != pid
        finally:
            await assembly.pool.stop()

    with Spool() as spool:
        asyncio.run(play(spool))


async def _ask(assembly: Assembly, request_id: str) -> int:
    """The pid of the worker that answers."""
    request = Request(
        request_id=request_id,
        method="POST",
        path="/",
        query="",
        content_type=None,
        headers=(),
        contents=(Content(body=b"body"),),
    )
    response = await call(assembly.dispatcher, request)
    assert response.status == 200, response.body
    assert isinstance(response.body, bytes)
    return int(response.body)


def _has_ended(pid: int) -> bool:
    """Whether all of its threads have: the last one closes its files."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except (FileNotFoundError, ProcessLookupError):
        return True
