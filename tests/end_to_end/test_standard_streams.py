"""Standard streams that are closed or lead to a full disk, and a current folder that is gone."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer, wait_until

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def shell(request: pytest.FixtureRequest, command: Path, environ: dict[str, str], tmp_path: Path) -> Shell:
    """Runs the command in a shell: ``shell("cd folder; exec", ["images"], ">/dev/full")``."""

    def run(before: str, arguments: Sequence[object], after: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", f'{before} "$@" {after}', "sh", command, *map(str, arguments)],
            env={**environ, "PYTHONUNBUFFERED": request.param},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def model(repository: Path) -> list[object]:
    """The options of a model."""
    return ["--image-version", "19.04", "--model-dir", repository / "examples/tax"]


@pytest.fixture
def request_file(repository: Path) -> Path:
    """A request to the model."""
    return repository / "examples/tax/request.json"


@pytest.mark.parametrize("closed", ["2>&-", "2>&- <&-"])
def test_closed_stderr_is_one_that_nobody_reads(
    shell: Shell, model: list[object], request_file: Path, closed: str
) -> None:
    done = shell("exec", ["run", *model, "--input", request_file], closed)

    assert done.returncode == 0
    assert '"total": 108.0' in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["2", "1", "0", "210"])
def test_server_with_closed_streams_serves_and_gives_their_numbers_to_nothing_else(
    command: Path, environ: dict[str, str], tmp_path: Path, model: list[object], closed: str
) -> None:
    script = tmp_path / "server"
    script.write_text(f'#!/bin/sh\nexec {command} "$@" {" ".join(f"{number}>&-" for number in closed)}\n')
    script.chmod(0o700)
    port, health_port = free_ports()
    ports = ["--port", str(port), "--health-port", str(health_port)]
    with RunningServer(script, *map(str, model), *ports, environ=environ, log=tmp_path / "log") as server:
        server.port, server.health_port = port, health_port
        wait_until(lambda: is_ready(server), "the server to be ready")

        assert server.request(body=b"[]", headers={"Content-Type": "application/json"}).status == 200
        assert {str(Path(f"/proc/{server.process.pid}/fd/{number}").readlink()) for number in closed} == {os.devnull}
        assert server.stop() == 0


def free_ports() -> list[int]:
    """Two ports that were free just now: the log that says which were taken is not to be seen."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], two.getsockname()[1]]


def is_ready(server: RunningServer) -> bool:
    assert server.process.poll() is None
    try:
        return server.request("GET", "/readyz", port=server.health_port).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["images"], ["config", "show"], ["plugins"]])
def test_full_disk_behind_stdout_is_an_error_by_name(shell: Shell, arguments: list[str]) -> None:
    done = shell("exec", arguments, ">/dev/full")

    assert done.returncode == 1
    assert done.stderr == "Error: output-failed: the output cannot be written to stdout: No space left on device.\n"


@pytest.mark.parametrize("name", ["check", "install", "run-local"])
def test_full_disk_behind_stdout_is_an_error_of_commands_with_a_model(
    shell: Shell, model: list[object], request_file: Path, name: str
) -> None:
    more = ["--input", request_file] if name == "run-local" else []

    done = shell("exec", [name, *model, *more], ">/dev/full")

    assert done.returncode == 1
    assert "output-failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_completion_on_a_full_disk_is_an_error_by_name(shell: Shell) -> None:
    done = shell("_ABEJA_RUNTIME_COMPLETE=bash COMP_WORDS=abeja-runtime COMP_CWORD=1 exec", [], ">/dev/full")

    assert done.returncode == 1
    assert "output-failed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [["-u"], []])
def test_what_is_printed_without_a_buffer_is_there_at_once(environ: dict[str, str], options: list[str]) -> None:
    code = (
        "import os; from abeja.runtime.cli import standard_streams; standard_streams.settle(); print('x'); os._exit(0)"
    )

    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**environ, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == ("x\n" if options else "")


@pytest.mark.parametrize("name", ["run", "run-local"])
def test_closed_stdout_is_no_place_for_results(
    shell: Shell, model: list[object], request_file: Path, name: str
) -> None:
    done = shell("exec", [name, *model, "--input", request_file], ">&-")

    assert done.returncode == 1
    assert "output-failed" in done.stderr


@pytest.mark.parametrize("arguments", [["--image-version", "19.04"], ["init", "--image-version", "19.04"], ["images"]])
def test_deleted_current_folder_is_named(shell: Shell, arguments: list[str]) -> None:
    done = shell("mkdir gone && cd gone && rmdir ../gone && exec", arguments, "")

    assert done.returncode == 2
    assert "model-folder-missing: the current folder does not exist any more" in done.stderr
    assert "Traceback" not in done.stderr
