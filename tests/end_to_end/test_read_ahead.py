"""Requests that a worker has got while it runs another one: real workers, no HTTP."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from abeja.runtime.assembly import Assembly
from abeja.runtime.messages import Response
from abeja.runtime.model import Model
from abeja.runtime.worker.frames import MESSAGE_LIMIT_BYTES
from tests.end_to_end.assemblies import has_ended, model_of, play, request_of, response_to, stand_still
from tests.end_to_end.conftest import wait_until

# A body "a held" waits for the file "go a"; "a raw" prints past Python.
CODE = """
import os, time

def handler(request, context):
    name, _, manner = request.read(40).decode().partition(" ")
    with open("begun", "a") as file:
        file.write(name + "\\n")
    if manner.startswith("raw"):
        os.write(1, b"raw " + name.encode() + b"\\n")
    else:
        print("print", name)
    while manner.startswith("held") and not os.path.exists("go " + name):
        time.sleep(0.002)
    return {"content": str(os.getpid())}
"""


@pytest.fixture
def model(tmp_path: Path, environ: dict[str, str]) -> Model:
    """A handler that notes the names of its requests when it begins, and waits if it is told to."""
    return model_of(CODE, folder=tmp_path, environ=environ)


class Asked:
    """Requests of a scene, and what became of them."""

    def __init__(self, assembly: Assembly, model: Model) -> None:
        self.assembly = assembly
        self.folder = model.folder

    def ask(self, body: str) -> "asyncio.Task[Response]":
        """Send one; its id is its name."""
        return asyncio.ensure_future(response_to(self.assembly, body.partition(" ")[0], body.encode()))

    async def hold(self, body: str) -> "asyncio.Task[Response]":
        """Send one and wait until the handler has it."""
        name = body.partition(" ")[0]
        task = self.ask(f"{body} held")
        await self.until(lambda: name in self.begun())
        return task

    def let_go(self, name: str) -> None:
        """Let the handler end it."""
        (self.folder / f"go {name}").touch()

    def begun(self) -> list[str]:
        """The names of those that the handler has begun, in that order."""
        path = self.folder / "begun"
        return path.read_text().split() if path.exists() else []

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop go round until `condition` holds."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 (what is waited for happens in another process)
                await asyncio.sleep(0.002)


def test_requests_that_wait_lie_with_the_worker_and_are_run_in_their_order(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        tasks = [await asked.hold("a"), *(asked.ask(name) for name in "bcdefgh")]
        await asked.until(lambda: assembly.dispatcher.waiting == 7)
        assert 0 < assembly.pool.ahead < 7
        assert asked.begun() == ["a"]
        asked.let_go("a")
        assert {(await task).status for task in tasks} == {200}
        assert asked.begun() == list("abcdefgh")
        assert assembly.pool.report()["workers"][0]["requests"] == 8

    play(scene, model, queue_limit=10)


def test_a_request_that_waits_behind_a_slow_one_goes_to_the_worker_that_becomes_idle(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        slow, other = await asked.hold("slow"), await asked.hold("other")
        waiting = [asked.ask(name) for name in "abcdef"]
        await asked.until(lambda: assembly.pool.ahead == 6)
        asked.let_go("other")
        pid = (await other).body
        assert [(await task).body for task in waiting] == [pid] * 6
        assert not slow.done()
        asked.let_go("slow")
        assert (await slow).status == 200

    play(scene, model, workers=2, queue_limit=10)


def test_a_request_whose_client_leaves_before_its_turn_is_not_run(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first = await asked.hold("a")
        one = assembly.dispatcher.submit(request_of("left", b"left"), _Nobody())
        rest = [asked.ask("b"), asked.ask("c")]
        await asked.until(lambda: assembly.pool.ahead == 3)
        assert one.is_waiting
        one.cancel()
        assert assembly.pool.ahead == 2
        asked.let_go("a")
        assert [(await task).status for task in (first, *rest)] == [200] * 3
        assert asked.begun() == ["a", "b", "c"]

    play(scene, model, queue_limit=10)


def test_clients_that_leave_a_worker_that_was_told_to_end_disturb_nobody(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        worker = assembly.pool.free_worker()
        assert worker is not None
        first = await asked.hold("a")
        one = assembly.dispatcher.submit(request_of("left", b"left"), _Nobody())
        rest = [asked.ask("b"), asked.ask("c")]
        await asked.until(lambda: assembly.pool.ahead == 3)
        stopping = asyncio.ensure_future(worker.stop(20))
        await asyncio.sleep(0)
        one.cancel()
        await stopping
        assert [(await task).status for task in (first, *rest)] == [502, 200, 200]
        assert asked.begun() == ["a", "b", "c"]

    play(scene, model, queue_limit=10)


def test_a_worker_that_dies_takes_the_request_that_it_ran_with_it_and_no_other(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first, *rest = [await asked.hold("a"), *(asked.ask(name) for name in "bcd")]
        await asked.until(lambda: assembly.pool.ahead == 3)
        pid = assembly.pool.report()["workers"][0]["pid"]
        os.kill(pid, signal.SIGKILL)
        assert (await first).status == 502
        answers = [await task for task in rest]
        assert [answer.status for answer in answers] == [200] * 3
        assert str(pid).encode() not in {answer.body for answer in answers}
        assert asked.begun() == list("abcd")

    play(scene, model, queue_limit=10)


def test_the_deadline_of_a_request_begins_with_its_turn(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first = await asked.hold("a")
        second = asked.ask("b held")
        assert (await first).status == 504
        await asked.until(lambda: "b" in asked.begun())
        assert not second.done()
        asked.let_go("b")
        assert (await second).status == 200

    play(scene, model, timeout_s=1, queue_limit=10)


def test_a_worker_that_is_renewed_gives_back_what_it_has_not_begun(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first, *rest = [await asked.hold("a"), *(asked.ask(name) for name in "bc")]
        await asked.until(lambda: assembly.pool.ahead == 2)
        assembly.pool.renew("a test wants it")
        answers = [await task for task in rest]
        assert not first.done()
        asked.let_go("a")
        old = (await first).body
        assert [(answer.status, answer.body == old) for answer in answers] == [(200, False)] * 2

    play(scene, model, queue_limit=10)


def test_a_worker_that_is_renewed_before_it_has_begun_with_any_request_ends(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        pid = assembly.pool.report()["workers"][0]["pid"]
        stand_still(pid)
        tasks = [asked.ask("a"), asked.ask("b")]
        await asked.until(lambda: assembly.pool.ahead == 1)
        assembly.pool.renew("a test wants it")
        assert [(await task).body == str(pid).encode() for task in tasks] == [False] * 2
        os.kill(pid, signal.SIGCONT)
        await asked.until(lambda: has_ended(pid))
        assert asked.begun() == ["a", "b"]

    play(scene, model, queue_limit=10)


def test_a_request_whose_client_has_left_is_no_failure_when_it_is_given_back(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        pid = assembly.pool.report()["workers"][0]["pid"]
        stand_still(pid)
        one = assembly.dispatcher.submit(request_of("left", b"left"), _Nobody())
        one.cancel()
        assembly.pool.renew("a test wants it")
        await asked.until(lambda: assembly.pool.report()["workers"][0]["state"] == "retired")
        os.kill(pid, signal.SIGCONT)
        await asked.until(lambda: has_ended(pid))
        assert (await asked.ask("a")).status == 200
        assert asked.begun() == ["a"]
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []

    play(scene, model)


def test_requests_that_lie_with_a_worker_count_as_waiting(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first, second = await asked.hold("a"), asked.ask("b")
        await asked.until(lambda: assembly.pool.ahead == 1)
        assert (await asked.ask("c")).status == 429
        asked.let_go("a")
        assert [(await task).status for task in (first, second)] == [200] * 2

    play(scene, model, queue_limit=1)


def test_a_large_request_waits_in_the_queue_and_keeps_its_place(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        large = "large " + "." * MESSAGE_LIMIT_BYTES
        tasks = [await asked.hold("a"), asked.ask("b"), asked.ask(large), asked.ask("c")]
        await asked.until(lambda: assembly.dispatcher.waiting == 3)
        assert assembly.pool.ahead == 1
        asked.let_go("a")
        assert [(await task).status for task in tasks] == [200] * 4
        assert asked.begun() == ["a", "b", "large", "c"]

    play(scene, model, queue_limit=10)


def test_a_large_request_for_a_worker_that_has_just_ended_runs_nothing_twice(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first = asked.ask("a held" + "." * MESSAGE_LIMIT_BYTES)
        await asked.until(asked.begun)
        pid = assembly.pool.report()["workers"][0]["pid"]
        os.kill(pid, signal.SIGKILL)
        # The event loop stands still meanwhile, so the server knows nothing of it.
        wait_until(partial(has_ended, pid), "the worker to end")
        second = asked.ask("large " + "." * MESSAGE_LIMIT_BYTES)
        asked.let_go("a")
        assert [(await task).status for task in (first, second)] == [502, 200]
        assert asked.begun() == ["a", "large"]

    play(scene, model, concurrency=3, queue_limit=10)


def test_requests_that_do_not_all_fit_into_an_inbox_run_at_once_all_the_same(model: Model) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        names = [f"n{number}" for number in range(16)]
        tasks = [asked.ask(f"{name} held" + "." * (MESSAGE_LIMIT_BYTES - 1000)) for name in names]
        await asked.until(lambda: len(asked.begun()) == 16)
        for name in names:
            asked.let_go(name)
        assert {(await task).status for task in tasks} == {200}

    play(scene, model, concurrency=16, queue_limit=16)


def test_what_is_printed_is_of_its_request(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        names = [f"n{number}" for number in range(300)]
        assert {(await task).status for task in [asked.ask(name) for name in names]} == {200}
        assert sorted(_printed(caplog)) == sorted((f"print {name}", name) for name in names)

    _listen(caplog)
    play(scene, model, workers=2, queue_limit=300)


def test_what_is_printed_in_requests_with_the_same_id_comes_in_whole_lines(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        names = [f"n{number}" for number in range(5)]
        tasks = [asyncio.ensure_future(response_to(assembly, "same", name.encode())) for name in names]
        assert {(await task).status for task in tasks} == {200}
        assert _printed(caplog) == [(f"print {name}", "same") for name in names]

    _listen(caplog)
    play(scene, model, queue_limit=10)


def test_output_without_a_label_is_of_the_request_that_runs_also_after_another_was_taken_back(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        first = await asked.hold("a")
        one = assembly.dispatcher.submit(request_of("left", b"left"), _Nobody())
        await asked.until(lambda: assembly.pool.ahead == 1)
        one.cancel()
        pid = assembly.pool.report()["workers"][0]["pid"]
        _print_as_its_child(pid, "raw a\n")
        asked.let_go("a")
        assert (await first).status == 200
        assert _printed(caplog) == [("print a", "a"), ("raw a", "a")]

    _listen(caplog)
    play(scene, model, queue_limit=10)


def test_what_a_worker_prints_while_it_loads_is_of_no_request(
    tmp_path: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, talkative)
        first, second = await asked.hold("a"), asked.ask("b held")
        await asked.until(lambda: assembly.dispatcher.waiting == 1)
        assembly.pool.renew("a test wants it")
        await asked.until(lambda: "b" in asked.begun())
        third = asked.ask("c")
        await asked.until(lambda: assembly.pool.ahead == 1)
        asked.let_go("a")
        asked.let_go("b")
        assert [(await task).status for task in (first, second, third)] == [200] * 3
        loading = [record for record in caplog.records if record.getMessage().startswith("loading")]
        assert len(loading) == 2 * 1000
        assert [record for record in loading if "request_id" in vars(record)] == []

    talkative = model_of(f"{CODE}\nprint('loading so much of it all\\n' * 1000)\n", folder=tmp_path, environ=environ)
    _listen(caplog)
    play(scene, talkative, queue_limit=10)


def test_a_worker_whose_output_has_no_labels_gets_one_request_at_a_time(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(assembly: Assembly) -> None:
        asked = Asked(assembly, model)
        assert (await asked.ask("first raw")).status == 200
        names = [f"n{number}" for number in range(100)]
        tasks = [await asked.hold("a"), *(asked.ask(f"{name} raw") for name in names)]
        await asked.until(lambda: assembly.dispatcher.waiting == 100)
        assert assembly.pool.ahead == 0
        asked.let_go("a")
        assert {(await task).status for task in tasks} == {200}
        wanted = [("raw first", "first"), ("print a", "a"), *((f"raw {name}", name) for name in names)]
        assert _printed(caplog) == wanted

    _listen(caplog)
    play(scene, model, queue_limit=100)


class _Nobody:
    """A receiver that must not hear anything."""

    takes_body = True

    def respond(self, response: Response) -> None:
        pytest.fail(f"an answer for nobody: {response}")

    def write(self, data: bytes) -> None:
        pytest.fail(f"a piece for nobody: {data!r}")

    def finish(self, *, is_complete: bool) -> None:
        pytest.fail(f"an end for nobody: {is_complete}")


def _print_as_its_child(pid: int, text: str) -> None:
    """Write to the output of a worker, as a program does that its handler has started."""
    Path(f"/proc/{pid}/fd/1").write_text(text)


def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "abeja.runtime.worker")


def _printed(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The lines, each with its request."""
    return [
        (record.getMessage(), vars(record)["request_id"])
        for record in caplog.records
        if record.name == "abeja.runtime.worker"
    ]
