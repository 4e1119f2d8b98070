"""Errors in what the user wrote show the file, the line and the text."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(command: Path, environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs the command in the model's folder."""

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments],
            cwd=tmp_path,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[model]\nhandler = main:handler\n",
            "abeja-runtime.toml:2\n  1 | [model]\n> 2 | handler = main:handler\n    |           ^\n",
        ),
        ("[model]\nhandler = [\n", "abeja-runtime.toml:2\n  1 | [model]\n> 2 | handler = [\n    |            ^\n"),
        ("# mine\n[model]\nhandlr = 'x'\n", "abeja-runtime.toml:3\n  2 | [model]\n> 3 | handlr = 'x'\n"),
        ("[modle]\nhandler = 'x'\n", "abeja-runtime.toml:1\n> 1 | [modle]\n  2 | handler = 'x'\n"),
        ("[model]\n[server]\nport = 'many'\n", "abeja-runtime.toml:3\n  2 | [server]\n> 3 | port = 'many'\nHint: "),
    ],
)
def test_configuration(run: Run, tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "abeja-runtime.toml").write_text(text)

    done = run("config", "show")

    assert done.returncode == 2
    assert expected in done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_they_tell_no_secret(run: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "main.py").write_text("import os\nraise ValueError(os.environ['API_TOKEN'])\n")
    (tmp_path / "in.json").write_text("{}")
    hushed = 'hunter2"hunter2'

    options = ("--image-version", "latest", "--input", "in.json", "--log-format", form)
    done = run("run-local", *options, API_TOKEN=hushed)

    assert done.returncode == 4
    assert "ValueError: ***" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_on_a_terminal_they_are_coloured(
    command: Path, environ: dict[str, str], tmp_path: Path, variables: dict[str, str], *, is_coloured: bool
) -> None:
    (tmp_path / "abeja-runtime.toml").write_text("[model\n")
    terminal, stderr = pty.openpty()
    try:
        own = {**environ, "TERM": "xterm", "NO_COLOR": "", **variables}
        assert subprocess.run([command, "config", "show"], cwd=tmp_path, env=own, stderr=stderr, check=False).returncode
        shown = os.read(terminal, 65536).decode()
    finally:
        os.close(stderr)
        os.close(terminal)

    assert ("\x1b[1;31mError\x1b[0m: config-file-invalid" in shown) == is_coloured
    assert ("\x1b[1m> 1 | [model\x1b[0m" in shown) == is_coloured


def test_configuration_in_pyproject(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[server]\nport = 1\n\n[tool.abeja-runtime.server]\nport = 'many'\n")

    assert "pyproject.toml:5\n  4 | [tool.abeja-runtime.server]\n> 5 | port = 'many'\n" in run("config", "show").stderr


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Pipfile", '[packages]\nnumpy = "*\n', 'Pipfile:2\n  1 | [packages]\n> 2 | numpy = "*\n    |           ^\n'),
        (
            "requirements.txt",
            "numpy\n-r more.txt  # others\n",
            "requirements.txt:2\n  1 | numpy\n> 2 | -r more.txt  # others\n",
        ),
        ("requirements.txt", "# one\n\nnumpy =>1\n", "requirements.txt:3\n> 3 | numpy =>1\n"),
    ],
)
def test_what_the_model_needs(run: Run, tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / "main.py").touch()
    (tmp_path / name).write_text(text)

    done = run("install", "--image-version", "latest", ABEJA_RUNTIME_ENV="auto", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 3
    assert expected in done.stderr


@pytest.mark.parametrize("argument", ["request.json", "form=@request.json"])
def test_a_request_that_a_handler_refuses(run: Run, tmp_path: Path, argument: str) -> None:
    (tmp_path / "main.py").write_text(
        "import json\n\n\ndef handler(request, context):\n    json.loads(request['contents'][0].read())\n"
    )
    (tmp_path / "request.json").write_text('{\n  "a": 1\n  "b": 2\n}\n')

    done = run("run-local", "--image-version", "19.04", "--input", argument, "--quiet")

    assert done.returncode == 1
    assert 'request.json:3\n  1 | {\n  2 |   "a": 1\n> 3 |   "b": 2\n    |   ^\n  4 | }\n' in done.stderr


def test_a_request_that_a_handler_takes_is_its_own_affair(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': request.read()}\n")
    (tmp_path / "request.json").write_text("{nonsense")

    done = run("run-local", "--image-version", "19.04", "--input", "request.json", "--quiet")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_handler_that_does_not_load(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import json\n\nSETTINGS = json.loads('{')\n")
    (tmp_path / "request.json").write_text("{}")

    done = run("run-local", "--image-version", "19.04", "--input", "request.json", "--quiet")

    assert done.returncode == 4
    assert "\nmain.py:3\n  1 | import json\n  2 |\n> 3 | SETTINGS = json.loads('{')\nHint: " in done.stderr


def test_what_check_finds(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'contnt': request['bdy']}\n")

    done = run("check", "--image-version", "19.04")

    assert done.returncode == 1
    assert "main.py:2: error: request-key-unknown: " in done.stdout
    assert "\n    > 2 |     return {'contnt': request['bdy']}\n" in done.stdout
