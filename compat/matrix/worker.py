"""The handler's side of a cell: a Python of this machine, with numpy where a handler needs it."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from abeja.runtime.prepare.choice import choose
from abeja.runtime.prepare.interpreters import discover
from compat import pythons

# Such as 3.6; without it, the Python that runs the tests.
VERSION = os.environ.get("COMPAT_WORKER") or f"{sys.version_info[0]}.{sys.version_info[1]}"
# The image version whose packages handlers get when they import numpy.
_IMAGE_VERSION = "19.04"


@cache
def is_here() -> bool:
    """Whether that Python is on this machine."""
    return pythons.is_here(VERSION)


@cache
def python() -> Path:
    """Its interpreter, as it is."""
    return choose(discover(), option=VERSION).interpreter.path


@cache
def python_with_numpy(folder: Path) -> Path:
    """Its interpreter in an environment that abeja-runtime built, because a handler in `folder` imports numpy."""
    (folder / "main.py").write_text("import numpy\n", encoding="utf-8")
    return installed(folder, _IMAGE_VERSION)


def installed(folder: Path, image_version: str) -> Path:
    """The interpreter in the environment of a model, which abeja-runtime builds if it is not there."""
    command = [sys.executable, "-m", "abeja.runtime", "install", *options(image_version)]
    done = subprocess.run([*command, "--model-dir", folder], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def options(image_version: str) -> tuple[str, ...]:
    """What makes abeja-runtime run a handler in this cell."""
    return ("--image-version", image_version, "--python", VERSION, "--env", "auto")
