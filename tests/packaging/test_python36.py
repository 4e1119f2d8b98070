"""The worker half runs on Python 3.6."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize("example", ["tax", "invalid_input", "training_result", "multipart", "mean_colour"])
def test_example_compiles(python36: Path, repository: Path, tmp_path: Path, example: str) -> None:
    shutil.copy(repository / "examples" / example / "main.py", tmp_path)

    _compile(python36, tmp_path)


def test_worker_files_compile(python36: Path, repository: Path, tmp_path: Path) -> None:
    worker = list(repository.glob("abeja/runtime/worker/*.py"))
    halves = ("worker.py", "worker/*.py", "template/*.py")
    plugins = [path for half in halves for path in repository.glob(f"plugins/*/*/{half}")]
    kit = list(repository.glob("abeja/runtime/testing/handler_path/**/*.py"))
    assert worker
    assert plugins
    assert kit
    for path in worker + plugins + kit:
        copy = tmp_path / path.relative_to(repository)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)

    _compile(python36, tmp_path)


@pytest.fixture
def run(python36: Path, command: Path, environ: dict[str, str]) -> Run:
    """Runs `run-local` on Python 3.6 in a folder; returns the answer's JSON."""

    def run_local(folder: Path, *arguments: str) -> Any:
        result = subprocess.run(
            [
                *(command, "run-local", "--image", "abeja/all-cpu:19.04", "--python", python36),
                *("--quiet", *arguments),
            ],
            cwd=folder,
            env=environ,
            capture_output=True,
            check=False,
        )
        assert (result.returncode, result.stderr) == (0, b"")
        return json.loads(result.stdout)

    return run_local


def test_tax_example_answers_from_python36(run: Run, repository: Path) -> None:
    answer = run(repository, "--model-dir", "examples/tax", "--input", "examples/tax/request.json")

    assert answer == {"total": 108.0}


def test_handler_sees_the_python_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import platform\n\n"
        "def handler(request, context):\n"
        "    return {'content_type': 'application/json', 'content': {'python': platform.python_version()}}\n"
    )
    (tmp_path / "request.json").write_text("{}")

    assert run(tmp_path, "--input", "request.json")["python"].startswith("3.6.")


def _compile(python: Path, folder: Path) -> None:
    done = subprocess.run([python, "-m", "compileall", "-q", "-f", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
