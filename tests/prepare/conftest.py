"""For training results, a sandbox in which archives are extracted; for environments, packages made on the spot.

Archives are extracted with the command, in this process, and everything around the destination is looked
at. Environments are built where nothing but those packages can be reached.
"""

import hashlib
import os
import stat
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import frozen

from abeja.runtime.cli import main

Snapshot = dict[str, tuple[str, bytes]]
Install = Callable[..., subprocess.CompletedProcess[str]]


@frozen
class Extraction:
    """What `abeja-runtime extract` did.

    Attributes:
        code: its exit code.
        stderr: what it printed.
        dest: the destination.
    """

    code: int
    stderr: str
    dest: Path

    def files(self) -> dict[str, bytes]:
        """The files in the destination, by their paths in it."""
        return {
            str(path.relative_to(self.dest)): path.read_bytes()
            for path in sorted(self.dest.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


class Sandbox:
    """A folder with an archive, a destination that does not exist, and files that must stay as they are."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.folder = folder
        self.archive = folder / "archive"
        self.dest = folder / "dest"
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_bytes(b"alive")

    def extract(self, data: bytes | None = None, *options: str) -> Extraction:
        """Extract an archive that has these bytes."""
        if data is not None:
            self.archive.write_bytes(data)
        with pytest.raises(SystemExit) as ended:
            main(["extract", str(self.archive), str(self.dest), *options])
        return Extraction(int(str(ended.value.code)), self._capsys.readouterr().err, self.dest)

    def refuse(self, data: bytes | None = None, *options: str) -> str:
        """Try to extract an archive, which must fail and change nothing; returns the error."""
        if data is not None:
            self.archive.write_bytes(data)
        before = self.snapshot()
        result = self.extract(None, *options)
        assert result.code == 3, result.stderr
        assert self.snapshot() == before
        assert "Hint: " in result.stderr
        assert str(self.archive) in result.stderr
        return result.stderr

    def snapshot(self) -> Snapshot:
        """Everything in the sandbox, with types, modes and contents."""
        found = {}
        for folder, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = Path(folder, name)
                mode = path.lstat().st_mode
                content = path.read_bytes() if stat.S_ISREG(mode) else b""
                found[str(path)] = (stat.filemode(mode), content)
        return found


@pytest.fixture
def sandbox(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox, with the folder of the sandbox as the current one."""
    monkeypatch.chdir(tmp_path)
    return Sandbox(tmp_path, capsys)


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
