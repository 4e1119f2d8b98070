"""The halves that run on the handler's Python: the syntax of 3.6, and only what that one has."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import abeja_runtime_lambda

WORKERS = sorted(Path(abeja_runtime_lambda.__file__).parent.glob("*/worker.py"))
# Of Python 3.6, as far as a worker may need it.
LOAD = (
    "import importlib.util, sys\n"
    "spec = importlib.util.spec_from_file_location('worker', sys.argv[1])\n"
    "module = importlib.util.module_from_spec(spec)\n"
    "spec.loader.exec_module(module)\n"
    "print(sorted(set(sys.modules) & {'abeja', 'numpy', 'msgpack', 'asyncio'}))\n"
)


def python36() -> str | None:
    """A Python 3.6, on the PATH or of pyenv."""
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    found = [str(path) for path in root.glob("versions/3.6*/bin/python3.6")]
    return found[0] if found else shutil.which("python3.6")


def test_there_are_two() -> None:
    assert [path.parent.name for path in WORKERS] == ["abi", "msgpack"]


@pytest.mark.parametrize("worker", WORKERS, ids=lambda path: path.parent.name)
def test_worker_has_the_syntax_of_36(worker: Path) -> None:
    ast.parse(worker.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("worker", WORKERS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("python", [sys.executable, python36()], ids=["this Python", "Python 3.6"])
def test_worker_loads_with_the_standard_library_alone(worker: Path, python: str | None) -> None:
    if python is None:
        pytest.skip("there is no Python 3.6 on this machine")

    done = subprocess.run(
        [python, "-I", "-S", "-c", LOAD, worker], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
