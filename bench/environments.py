"""The environments of the servers: virtual environments that are made on demand and kept in a cache."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.interpreters import InterpreterMissingError, interpreter

# The largest peers bring several hundred megabytes.
_INSTALL_TIMEOUT_S = 1200
_VERSIONS = "versions.json"
# What a wheel of a project is made of; the rest of a checkout does not go into one.
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "abeja", "plugins")


class EnvironmentUnavailableError(Exception):
    """A server cannot be installed on this machine; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an environment is made of.

    Attributes:
        name: of its folder.
        requirements: for pip.
        pythons: versions that it can have, the best first; empty for any.
        project: a checkout that is installed too, as a wheel.
    """

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...] = ()
    project: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment that is there.

    Attributes:
        folder: its root.
        versions: what is installed, by normalised name.
        python_version: such as ``3.11.7``.
    """

    folder: Path
    versions: dict[str, str]
    python_version: str

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / "python"


def cache() -> Path:
    """The folder of the environments, which may be removed at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abeja-runtime-bench"


def environment(recipe: Recipe, *, refresh: bool = False) -> Environment:
    """The environment of a recipe, made if there is none yet.

    Args:
        recipe: what it is made of.
        refresh: make it anew, with the newest versions that the requirements allow.

    Raises:
        EnvironmentUnavailableError: its Python is missing, or pip refuses.
    """
    try:
        python = interpreter(recipe.pythons)
    except InterpreterMissingError as error:
        raise EnvironmentUnavailableError(str(error)) from error
    folder = cache() / f"{recipe.name}-{_key(recipe, python)}"
    if refresh:
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / _VERSIONS).is_file():
        # Of a run that was ended, or of one that found no index.
        shutil.rmtree(folder, ignore_errors=True)
        _make(recipe, python, folder)
        if recipe.project is not None:
            _remove_older(recipe, folder)
    facts = json.loads((folder / _VERSIONS).read_text(encoding="utf-8"))
    return Environment(folder=folder, versions=facts["packages"], python_version=facts["python"])


def _key(recipe: Recipe, python: Path) -> str:
    digest = hashlib.sha256("\n".join((str(python.resolve()), *recipe.requirements)).encode())
    for path in _files(recipe.project) if recipe.project else ():
        digest.update(str(path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(project: Path) -> Iterator[Path]:
    for name in _SOURCES:
        path = project / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _make(recipe: Recipe, python: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run([str(python), "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-") as scratch:
        wanted = list(recipe.requirements)
        if recipe.project is not None:
            # setuptools leaves its build folder beside the sources: not in the checkout.
            wanted.append(str(_copy(recipe.project, Path(scratch, "project"))))
        _run([*pip, "install", "--quiet", *wanted])
    facts = {
        "project": recipe.project and str(recipe.project),
        "python": _run([pip[0], "-c", "import platform; print(platform.python_version())"]).strip(),
        "packages": {
            package["name"].lower().replace("_", "-"): package["version"]
            for package in json.loads(_run([*pip, "list", "--format", "json"]))
        },
    }
    # Written last: its presence says that the environment is whole.
    (folder / _VERSIONS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _remove_older(recipe: Recipe, newest: Path) -> None:
    """Those of earlier states of the same checkout: each change of it makes another."""
    for path in newest.parent.glob(f"{recipe.name}-*/{_VERSIONS}"):
        if path.parent != newest and len(path.parent.name) == len(newest.name):
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts.get("project") == str(recipe.project):
                shutil.rmtree(path.parent, ignore_errors=True)


def _copy(project: Path, destination: Path) -> Path:
    destination.mkdir()
    for name in _SOURCES:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, destination / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, destination / name)
    return destination


def _run(command: list[str]) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, env=variables
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnavailableError(f"cannot be installed within {_INSTALL_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise EnvironmentUnavailableError(f"cannot be installed: {_reason(done.stderr) or _reason(done.stdout)}")
    return done.stdout


def _reason(output: str) -> str:
    lines = output.strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [""])[-1]
