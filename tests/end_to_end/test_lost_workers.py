"""Requests that come when a worker has just ended: real workers, no HTTP."""

import asyncio
import os
import resource
import signal
from functools import partial
from pathlib import Path

import pytest

from abeja.runtime.assembly import Assembly
from abeja.runtime.model import Model
from tests.end_to_end.assemblies import has_ended, model_of, play, response_to, stand_still
from tests.end_to_end.conftest import wait_until


@pytest.fixture
def model(tmp_path: Path, environ: dict[str, str]) -> Model:
    """A handler that answers with the pid of its worker."""
    code = "import os\ndef handler(request, context):\n    return {'content': str(os.getpid())}\n"
    return model_of(code, folder=tmp_path, environ=environ)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_a_worker_did_not_get_is_run_by_another(model: Model, workers: int, concurrency: int) -> None:
    async def scene(assembly: Assembly) -> None:
        for number in range(3):
            pid = await _ask(assembly, f"{number}-1")
            os.kill(pid, signal.SIGKILL)
            # The event loop stands still meanwhile, so the server knows nothing of it.
            wait_until(partial(has_ended, pid), "the worker to end")
            assert await _ask(assembly, f"{number}-2") != pid

    play(scene, model, workers=workers, concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_worker_that_is_being_killed_gets_no_request(model: Model, concurrency: int) -> None:
    async def scene(assembly: Assembly) -> None:
        for number in range(3):
            pid = await _ask(assembly, f"{number}-1")
            worker = assembly.pool.free_worker()
            assert worker is not None
            worker.kill("was killed by a test")
            assert await _ask(assembly, f"{number}-2") != pid

    play(scene, model, workers=1, concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_worker_that_has_just_been_told_to_end_gets_no_request(model: Model, concurrency: int) -> None:
    async def scene(assembly: Assembly) -> None:
        pid = await _ask(assembly, "1")
        worker = assembly.pool.free_worker()
        assert worker is not None
        stopping = asyncio.ensure_future(worker.stop(20))
        await asyncio.sleep(0)
        assert await _ask(assembly, "2") != pid
        await stopping

    play(scene, model, workers=1, concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_request_that_a_worker_had_not_read_when_it_ended_is_run_by_another(model: Model, concurrency: int) -> None:
    async def scene(assembly: Assembly) -> None:
        pid = await _ask(assembly, "1")
        stand_still(pid)
        asking = asyncio.ensure_future(_ask(assembly, "2"))
        await asyncio.sleep(0.1)
        assert assembly.pool.report()["workers"][0]["state"] == "busy"
        os.kill(pid, signal.SIGKILL)
        assert await asking != pid
        assert assembly.dispatcher.waiting == 0

    play(scene, model, workers=1, concurrency=concurrency)


def test_a_request_that_a_worker_does_not_read_in_time_is_504(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        pid = await _ask(assembly, "1")
        stand_still(pid)
        assert (await response_to(assembly, "2")).status == 504
        assert await _ask(assembly, "3") != pid

    play(scene, model, workers=1, concurrency=1, timeout_s=0.3)


def test_without_descriptors_a_worker_is_replaced_when_there_are_some_again(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        pid = await _ask(assembly, "1")
        os.kill(pid, signal.SIGKILL)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # What is open stays open.
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            async with asyncio.timeout(20):
                while "a worker could not be started" not in caplog.text:  # noqa: ASYNC110 (nobody tells of a line of the log)
                    await asyncio.sleep(0.01)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        async with asyncio.timeout(20):
            while not assembly.pool.has_ready_worker:  # noqa: ASYNC110 (nor of a worker, but the dispatcher)
                await asyncio.sleep(0.01)
        assert await _ask(assembly, "2") != pid

    play(scene, model, workers=1, concurrency=1)


async def _ask(assembly: Assembly, request_id: str) -> int:
    """The pid of the worker that answers."""
    response = await response_to(assembly, request_id)
    assert response.status == 200, response.body
    assert isinstance(response.body, bytes)
    return int(response.body)
