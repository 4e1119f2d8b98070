"""Packages made on the spot, and an environment in which nothing else can be reached."""

import hashlib
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Install = Callable[..., subprocess.CompletedProcess[str]]


def make_wheel(
    folder: Path, name: str, version: str, *, requires: Sequence[str] = (), tag: str = "py3-none-any"
) -> Path:
    """A wheel with one module, whose `VERSION` says which it is."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {line}\n" for line in requires),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return wheel


def sha256(path: Path) -> str:
    """As it stands in requirements files."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """The only place that packages come from."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    # Every environment of a Python that had setuptools has it.
    make_wheel(folder, "setuptools", "1.0")
    make_wheel(folder, "alpha", "1.0")
    make_wheel(folder, "alpha", "2.0")
    make_wheel(folder, "beta", "1.0", requires=["alpha"])
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder with a handler that says what it imports."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(
        "import alpha\ndef handler(request, context):\n    return {'content': {'alpha': alpha.VERSION}}\n"
    )
    (folder / "request.json").write_text("{}")
    return folder


@pytest.fixture
def isolated(environ: dict[str, str], tmp_path: Path, wheels: Path) -> dict[str, str]:
    """Variables with which only `wheels` is reached, and nothing outside the test's folder is written."""
    own = {name: value for name, value in environ.items() if not name.startswith(("PIP_", "UV_"))}
    return {
        **own,
        "ABEJA_RUNTIME_ENV": "auto",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """Where they are kept."""
    return tmp_path / "cache" / "abeja-runtime" / "environments"


@pytest.fixture
def runtime(command: Path, isolated: dict[str, str], model: Path) -> Install:
    """Runs a command for the model: ``runtime("install", ..., VARIABLE="value")``."""

    def run(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, name, "--image-version", "latest", "--model-dir", model, *arguments],
            env={**isolated, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
