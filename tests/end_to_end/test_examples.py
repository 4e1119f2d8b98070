"""The examples, run as their READMEs say, and the first example of the project's README."""

import http.client
import io
import json
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[bytes]]

LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\)")


@pytest.fixture
def run_local(command: Path, environ: dict[str, str], repository: Path) -> Run:
    """Runs `abeja-runtime run-local` on an example; ``run_local("tax", "--input", ...)``."""

    def run(example: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [
                *(command, "run-local", "--image", "abeja/all-cpu:19.04", "--handler", "main:handler"),
                *("--model-dir", f"examples/{example}", *arguments),
            ],
            cwd=repository,
            env=environ,
            capture_output=True,
            check=False,
        )

    return run


def test_tax_prints_the_total(run_local: Run) -> None:
    result = run_local("tax", "--input", "examples/tax/request.json", "--quiet")

    assert (result.returncode, result.stdout, result.stderr) == (0, b'{\n    "total": 108.0\n}\n', b"")


def test_first_command_of_the_readme_prints_what_the_readme_says(
    command: Path, environ: dict[str, str], repository: Path
) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", (repository / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (first, run), (second, output) = blocks[:2]
    assert (first, second) == ("sh", "json")
    install, separator, arguments = run.partition(".venv/bin/abeja-runtime ")
    assert install == "python3 -m venv .venv && .venv/bin/pip install . && "
    assert separator

    result = subprocess.run(
        [command, *shlex.split(arguments)], cwd=repository, env=environ, capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout) == (0, output)


def test_flip_mirrors_the_picture(run_local: Run, repository: Path) -> None:
    result = run_local("flip", "--input", "examples/flip/cat.jpg", "--quiet")

    assert (result.returncode, result.stderr) == (0, b"")
    before = _pixels((repository / "examples/flip/cat.jpg").read_bytes())
    after = _pixels(result.stdout)
    assert after.shape == before.shape
    # Both are JPEG, so pixels differ a little; the picture and its mirror image differ by 20 on average.
    assert np.abs(after - before[:, ::-1]).mean() < 3
    assert np.abs(after - before).mean() > 10


def test_invalid_input_fails_with_the_answer_of_the_handler_and_the_log(run_local: Run) -> None:
    result = run_local("invalid_input", "--input", "examples/invalid_input/request.json", "--quiet")

    assert (result.returncode, result.stdout) == (1, b"")
    answer, separator, log = result.stderr.decode().partition(" ------ Local Server Error ------ \n")
    assert separator
    error, _, body = answer.partition("\n")
    url = r"http://localhost:\d+/"
    assert re.fullmatch(rf"\[error\] failed to send request : 400 Client Error: Bad Request for url: {url}", error)
    assert json.loads(body) == {"message": "width and height must be numbers"}
    assert "Loading user model handler with main:handler" in log
    assert "refused: ValueError" in log


def test_valid_input_of_the_same_handler_is_answered(run_local: Run, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"width": 4, "height": 2.5}')

    result = run_local("invalid_input", "--input", str(request), "--quiet")

    assert (result.returncode, json.loads(result.stdout)) == (0, {"area": 10.0})


def test_training_result_is_read_from_its_folder(run_local: Run) -> None:
    result = run_local("training_result", "--input", "examples/training_result/request.json", "--quiet")

    assert (result.returncode, json.loads(result.stdout)) == (0, {"estimate": 22.5})


def test_training_result_is_read_from_the_folder_that_the_environment_names(run_local: Run, tmp_path: Path) -> None:
    (tmp_path / "parameters.json").write_text('{"bias": 0, "weights": {"rooms": 1}}')

    result = run_local(
        *("training_result", "--input", "examples/training_result/request.json"),
        *("--environment", f"ABEJA_TRAINING_RESULT_DIR:{tmp_path}", "--quiet"),
    )

    assert (result.returncode, json.loads(result.stdout)) == (0, {"estimate": 3})


def test_multipart_sends_each_input_as_a_part(run_local: Run) -> None:
    result = run_local(
        *("multipart", "--input", "settings=@examples/multipart/settings.json"),
        *("--input", "note=@examples/multipart/note.txt", "--quiet"),
    )

    assert result.returncode == 0
    assert json.loads(result.stdout) == {
        "parts": [
            {
                "form_name": "settings",
                "file_name": "settings.json",
                "content_type": "application/json",
                "size": 19,
            },
            {"form_name": "note", "file_name": "note.txt", "content_type": "text/plain", "size": 14},
        ]
    }


def test_without_quiet_the_log_is_on_stderr_and_stdout_is_the_same(run_local: Run) -> None:
    result = run_local("tax", "--input", "examples/tax/request.json")

    assert (result.returncode, result.stdout) == (0, b'{\n    "total": 108.0\n}\n')
    assert "INFO: Loading user model handler with main:handler..." in result.stderr.decode()


def test_served_tax_gives_the_same_answer_and_health_on_both_ports(
    command: Path, environ: dict[str, str], repository: Path
) -> None:
    folder = repository / "examples/tax"
    with _served(command, environ, folder) as (port, health_port):
        status, content_type, body = _request(
            port, "POST", "/", (folder / "request.json").read_bytes(), {"Content-Type": "application/json"}
        )
        assert (status, content_type, json.loads(body)) == (200, "application/json; charset=utf8", {"total": 108.0})
        for one in (port, health_port):
            assert _request(one, "GET", "/health_check") == (200, "application/json", b'{"status":"ok"}')


@contextmanager
def _served(command: Path, environ: dict[str, str], folder: Path) -> Iterator[tuple[int, int]]:
    """A server for the handler in `folder`; its port and its health port. It must end well on SIGTERM."""
    arguments = ["--image-version", "19.04", "--handler", "main:handler", "--port", "0", "--health-port", "0"]
    server = subprocess.Popen([command, *arguments], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True)
    with server:
        assert server.stderr is not None
        try:
            log = ""
            while "INFO: ready: " not in log:
                line = server.stderr.readline()
                assert line, f"the server ended: {log}"
                log += line
            ports = LISTENING.search(log)
            assert ports, log
            yield int(ports[1]), int(ports[2])
        finally:
            server.send_signal(signal.SIGTERM)
            server.stderr.read()
        assert server.wait() == 0


def _request(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read()
    finally:
        connection.close()


def _pixels(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        return np.asarray(picture.convert("RGB")).astype(np.int16)
