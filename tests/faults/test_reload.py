"""``--reload``: what a developer sees who saves a handler that does not load, and mends it."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until

Start = Callable[..., RunningServer]

_numbers = itertools.count()
ANSWER = 'def handler(request, context):\n    return {{"content_type": "text/plain", "content": "{}"}}\n'
BROKEN = 'RATES = {"a": 1}\n\nRATE = RATES["b"]  # no such key\n'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A handler that answers ``one``."""
    folder = tmp_path / "model"
    folder.mkdir()
    _save(folder, ANSWER.format("one"))
    return folder


def test_a_save_that_does_not_load_shows_the_own_line_and_the_old_worker_serves(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()

    _save(model, BROKEN)
    server.wait_for_log(re.compile(r"the next save is tried at once \(--reload\)"))

    log = server.log()
    assert f'File "{model}/main.py", line 4, in <module>\n    RATE = RATES["b"]  # no such key' in log
    assert 'main.py:4\n  2 | RATES = {"a": 1}\n  3 |\n> 4 | RATE = RATES["b"]  # no such key\n' in log
    assert "Worker 1 still serves what it loaded" in log
    assert server.request().body == b"one"
    failure = server.readiness()["last_failure"]
    assert (failure["error"], failure["is_serving"]) == ("handler-import-failed", True)
    assert "KeyError: 'b'" in failure["text"]
    assert "> 4 | RATE" in failure["text"]


def test_the_save_that_mends_it_is_tried_at_once_and_says_how_long_it_took(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()
    _save(model, BROKEN)
    server.wait_for_log(re.compile("is not renewed"))

    _save(model, ANSWER.format("two"))
    # Much less than the pause of 30 s after which a worn-out worker would be renewed.
    server.wait_for_log(
        re.compile(r"worker 1 is renewed: main.py changed \(--reload\); worker \d loaded in \d\.\d\d s\n")
    )

    wait_until(lambda: server.request().body == b"two", "the new code", limit_s=5)
    assert server.readiness()["last_failure"] is None


def test_a_first_start_that_does_not_load_waits_for_a_change(start: Start, model: Path) -> None:
    _save(model, "def handler(request, context)\n    return {}\n")
    server = start("--model-dir", model, "--reload", "--workers", "2").wait_until_listening()
    server.wait_for_log(re.compile(r"a worker could not be started:\n(.*\n)*.*SyntaxError"))
    server.wait_for_log(re.compile(r"The next save is tried at once \(--reload\)"))

    readiness = server.readiness()
    assert readiness["status"] == "not ready"
    assert readiness["reason"].startswith("the handler does not load: handler-import-failed: importing 'main' failed")
    assert readiness["last_failure"]["is_serving"] is False
    assert server.request().status == 503
    assert "INFO: ready" not in server.log()
    _save(model, ANSWER.format("mended"))
    server.wait_until_ready()

    assert server.request().body == b"mended"
    server.wait_for_log(re.compile(r"the handler loads again: worker \d, in \d\.\d\d s\n"))
    assert server.stop() == 0


def test_a_server_that_waits_for_a_change_stops_when_it_is_told_to(start: Start, model: Path) -> None:
    _save(model, BROKEN)
    server = start("--model-dir", model, "--reload").wait_until_listening()
    server.wait_for_log(re.compile("The next save is tried at once"))

    assert server.stop() == 0


def test_without_reload_a_handler_that_does_not_load_ends_the_program_and_shows_the_own_line(
    start: Start, model: Path
) -> None:
    _save(model, BROKEN)
    server = start("--model-dir", model)

    assert server.process.wait(20) == 4
    assert "> 4 | RATE" in server.log()


def test_code_that_changes_while_it_is_loaded_is_loaded_anew_without_waiting_for_the_rest(
    start: Start, model: Path
) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()
    # Never ready: only a start that is given up makes room for the next.
    _save(model, "import time\nprint('loading')\nwhile True: time.sleep(0.01)\n")
    server.wait_for_log(re.compile(r"\] loading\n"))

    _save(model, ANSWER.format("two"))
    server.wait_for_log(re.compile(r"worker 1 is renewed: main.py changed"))

    assert wait_until(lambda: server.request().body == b"two", "the new code")
    readiness = server.readiness()
    assert readiness["exits"]["overtaken"] == 1
    assert (readiness["last_failure"], readiness["last_exit"]) == (None, None)
    assert "is not renewed" not in server.log()


def test_files_that_editors_write_beside_the_saved_one_are_not_named(start: Start, model: Path) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()

    # As vim does: a probe, a backup by renaming, the new file.
    (model / "4913").touch()
    (model / ".main.py.swp").write_text("swap")
    (model / "main.py").rename(model / "main.py~")
    _save(model, ANSWER.format("two"))
    server.wait_for_log(re.compile(r"worker 1 is renewed: main.py changed \(--reload\);"))


@pytest.mark.parametrize("name", [".env", "data/deep/new.json"])
def test_other_files_of_the_model_count(start: Start, model: Path, name: str) -> None:
    server = start("--model-dir", model, "--reload").wait_until_ready()

    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_text("{}")
    server.wait_for_log(re.compile(rf"worker 1 is renewed: {re.escape(name)} changed \(--reload\)"))


@pytest.mark.parametrize("name", ["requirements.txt", "abeja-runtime.toml"])
def test_a_change_that_needs_another_start_says_so(start: Start, model: Path, name: str) -> None:
    (model / name).write_text("# nothing\n")
    server = start("--model-dir", model, "--reload", ABEJA_RUNTIME_ENV="auto").wait_until_ready()

    (model / name).write_text("# nothing more\n")
    server.wait_for_log(re.compile(rf"WARNING: {name} is read when the server starts: restart it for the change\n"))


def test_a_virtual_environment_in_the_folder_does_not_count(start: Start, model: Path) -> None:
    environment = model / "venv" / "lib"
    environment.mkdir(parents=True)
    (model / "venv" / "pyvenv.cfg").touch()
    server = start("--model-dir", model, "--reload").wait_until_ready()

    (environment / "installed.py").touch()
    (model / "seen.txt").touch()
    server.wait_for_log(re.compile(r"is renewed: seen.txt changed \(--reload\)"))


def _save(model: Path, code: str) -> None:
    """By writing another file and renaming it, as most editors do."""
    beside = model / ".main.py.new"
    beside.write_text(f"# {'x' * next(_numbers)}\n{code}")
    beside.rename(model / "main.py")
