"""Finds the Pythons of this machine."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import attrs
from attrs import frozen

from abeja.runtime.errors import InterpreterMissingError

# The oldest that the worker runs on, and the newest whose name is looked for on the PATH.
OLDEST, NEWEST_MINOR = (3, 6), 20

_PYENV_NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)", re.ASCII)
_UV_NAME = re.compile(r"cpython-(\d+)\.(\d+)\.(\d+)-.+", re.ASCII)
_HINT = "`abeja-runtime doctor` lists those that run handlers."
# What Pythons from 2.7 on understand.
_VERSION_PROBE = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
# A pyenv shim for a version that is not selected ends at once; a hanging interpreter is not waited for.
_PROBE_TIMEOUT_S = 20
_PROBE = (
    "import json, platform, sys, sysconfig; print(json.dumps({"
    "'version': sys.version_info[:3], 'implementation': platform.python_implementation(), "
    "'platform': sysconfig.get_platform(), 'prefix': sys.prefix, 'base': sys.base_prefix}))"
)

Version = tuple[int, ...]


@frozen(kw_only=True)
class Facts:
    """What an interpreter says of itself.

    Attributes:
        version: major, minor and micro.
        implementation: such as ``CPython``.
        platform: such as ``linux-x86_64``.
        prefix: its installation, or its virtual environment.
        base: the installation below.
    """

    version: Version = attrs.field(converter=tuple)
    implementation: str
    platform: str
    prefix: str
    base: str


@attrs.frozen(kw_only=True, slots=False)
class Interpreter:
    """A Python of this machine.

    Attributes:
        path: absolute, of the executable.
        version: major, minor and micro, as far as they are known without running it.
        origin: how it was found: ``pyenv``, ``uv``, ``PATH``, ``the server's`` or ``--python``.
    """

    path: Path
    version: Version
    origin: str

    def __str__(self) -> str:
        return f"Python {dotted(self.version)} ({self.path})"

    @property
    def minor(self) -> Version:
        """Major and minor."""
        return self.version[:2]

    @cached_property
    def facts(self) -> Facts:
        """What it says of itself; it is run once for that.

        Raises:
            InterpreterMissingError: it cannot be run.
        """
        try:
            return Facts(**json.loads(_said(self.path, "-I", "-c", _PROBE)))
        except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
            raise InterpreterMissingError(_reason(self.path, error), hint=_HINT) from error

    @property
    def runs(self) -> bool:
        """Whether it can be run; a shim of pyenv exists for versions that are not selected, too."""
        try:
            return bool(self.facts)
        except InterpreterMissingError:
            return False


def server_interpreter() -> Interpreter:
    """The one that runs abeja-runtime."""
    return Interpreter(path=Path(sys.executable), version=tuple(sys.version_info[:3]), origin="the server's")


def discover(environ: Mapping[str, str] = os.environ) -> list[Interpreter]:
    """The Pythons of this machine from 3.6 on, those of each kind in the order of their versions.

    A version that is found in two ways is listed in both; none is run.
    """
    found = [
        *_in_folders(_pyenv_versions(environ), _PYENV_NAME, "pyenv"),
        *_in_folders(_uv_folder(environ), _UV_NAME, "uv"),
        *_on_path(environ),
        server_interpreter(),
    ]
    return [interpreter for interpreter in found if interpreter.version >= OLDEST]


def interpreter_at(python: str, *, origin: str) -> Interpreter:
    """The interpreter that a path, or a command on the PATH, names.

    Raises:
        InterpreterMissingError: there is none, it does not run, or it is too old.
    """
    found = shutil.which(str(Path(python).expanduser()))
    if found is None:
        raise InterpreterMissingError(
            f"there is no Python interpreter '{python}'.",
            hint="--python takes a version such as 3.6, a path, or a command; see `abeja-runtime doctor`.",
        )
    path = Path(found).absolute()
    facts = Interpreter(path=path, version=(), origin=origin).facts
    if facts.version < OLDEST:
        raise InterpreterMissingError(_too_old(path, dotted(facts.version)), hint=_HINT)
    return Interpreter(path=path, version=facts.version, origin=origin)


def dotted(version: Version) -> str:
    """``3.6.15`` for (3, 6, 15)."""
    return ".".join(map(str, version))


def _said(python: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=_PROBE_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def _too_old(python: Path, version: str) -> str:
    return f"{python} is Python {version}, which is too old: expected {dotted(OLDEST)} or later."


def _reason(python: Path, error: Exception) -> str:
    """Why it is no interpreter for a handler: one that is too old knows no ``-I``, and still says its version."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        version = _said(python, "-c", _VERSION_PROBE).strip()
        if _PYENV_NAME.fullmatch(version):
            return _too_old(python, version)
    what = str(error)
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines()
        what = f"it ended with exit code {error.returncode}{f': {lines[0]}' if lines else ''}"
    elif isinstance(error, subprocess.TimeoutExpired):
        what = f"it said nothing in {_PROBE_TIMEOUT_S} s"
    return f"{python} is not a Python interpreter that runs: {what}."


def _pyenv_versions(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"


def _uv_folder(environ: Mapping[str, str]) -> Path:
    explicit = environ.get("UV_PYTHON_INSTALL_DIR")
    data = Path(environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    return Path(explicit).expanduser() if explicit else data / "uv" / "python"


def _in_folders(parent: Path, name: re.Pattern[str], origin: str) -> list[Interpreter]:
    found = []
    for folder in parent.iterdir() if parent.is_dir() else ():
        match = name.fullmatch(folder.name)
        path = folder / "bin" / f"python{match[1]}.{match[2]}" if match else None
        if match and path and os.access(path, os.X_OK):
            version = tuple(int(part) for part in match.groups())
            found.append(Interpreter(path=path.absolute(), version=version, origin=origin))
    return sorted(found, key=lambda interpreter: interpreter.version)


def _on_path(environ: Mapping[str, str]) -> Iterator[Interpreter]:
    for minor in range(OLDEST[1], NEWEST_MINOR + 1):
        path = shutil.which(f"python3.{minor}", path=environ.get("PATH", os.defpath))
        if path is not None:
            yield Interpreter(path=Path(path).absolute(), version=(3, minor), origin="PATH")
