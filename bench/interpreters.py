"""Finds the Python for an environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROBE_TIMEOUT_S = 20


class InterpreterMissingError(Exception):
    """None of the Pythons that a server can use is on this machine."""


def interpreter(versions: tuple[str, ...]) -> Path:
    """A Python for a server.

    Args:
        versions: such as ``3.11``, the best first; if there are none, or the one that runs this is among them, it is
            that one, so that the servers are on the same Python where they can be.

    Raises:
        InterpreterMissingError: this machine has none of them.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not versions or own in versions:
        return Path(sys.executable)
    for version in versions:
        for python in _candidates(version):
            if _version(python) == version:
                return python
    raise InterpreterMissingError(f"needs Python {' or '.join(versions)}, which is not on this machine")


def _candidates(version: str) -> Iterator[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)


def _version(python: Path) -> str | None:
    """What it says that it is; a shim of pyenv may exist for a Python that does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", code], check=True, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
