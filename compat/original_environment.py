"""The original's environment: a virtual environment with abejaruntime, made once and kept in a cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# What the original ran on when the vectors were recorded; it does not start on 3.13 and later.
PYTHON = (3, 11)
REQUIREMENTS = ("abejaruntime==1.1.1", "numpy")


class EnvironmentUnavailableError(Exception):
    """The original cannot be run on this machine."""


def environment() -> Path:
    """The folder of the environment, made if there is none yet.

    Raises:
        EnvironmentUnavailableError: there is no Python 3.11, or no index to install from.
    """
    python = _interpreter()
    folder = _cache() / _key(python)
    if not folder.is_dir():
        _make(python, folder)
    return folder


def _interpreter() -> Path:
    if sys.version_info[:2] == PYTHON:
        return Path(sys.executable)
    version = ".".join(map(str, PYTHON))
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}*/bin/python"))
    if not found:
        raise EnvironmentUnavailableError(f"the original needs Python {version}: neither this one nor one of pyenv's")
    return found[-1]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abeja-runtime-compat"


def _key(python: Path) -> str:
    ingredients = "\n".join((str(python.resolve()), *REQUIREMENTS))
    return "original-" + hashlib.sha256(ingredients.encode()).hexdigest()[:16]


def _make(python: Path, folder: Path) -> None:
    """Build it aside and rename it, so that nobody ever sees half of one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix="making-"))
    try:
        _run([str(python), "-m", "venv", str(aside)])
        _run([str(aside / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS])
        try:
            aside.rename(folder)
        except OSError:
            # Another run was faster.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise EnvironmentUnavailableError(f"the original cannot be installed: {reason}")
