"""Beside abeja-sdk, which owns `abeja/__init__.py`."""

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.version_info >= (3, 12), reason="abeja-sdk needs a Python below 3.12"),
]

IMPORT_BOTH = """
import abeja, abeja.datalake, abeja.runtime
from abeja.runtime import Encoder, hookimpl
assert abeja.__file__.endswith("__init__.py"), "abeja is not abeja-sdk's package"
"""


class Environment:
    """A virtual environment that is given packages from one folder.

    Args:
        folder: where to make it.
        wheels: folder of the wheels.
    """

    def __init__(self, folder: Path, wheels: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        self._python = folder / "bin" / "python"
        self._wheels = wheels

    def install(self, *requirements: str) -> None:
        self._run("-m", "pip", "install", "--no-index", "--find-links", str(self._wheels), *requirements)

    def uninstall(self, name: str) -> None:
        self._run("-m", "pip", "uninstall", "--yes", name)

    def execute(self, code: str) -> None:
        # -P: nothing but what is installed.
        self._run("-P", "-c", code)

    def command(self, *arguments: str) -> str:
        return self._run("-m", "abeja.runtime", *arguments)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([self._python, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


MakeEnvironment = Callable[[], Environment]


@pytest.fixture(scope="module")
def wheels(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of abeja-sdk, of abeja-runtime, of what they need and of the build back end."""
    folder = tmp_path_factory.mktemp("wheels")
    requirements = ["abeja-sdk", str(wheel), "setuptools>=77"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--wheel-dir", folder, *requirements],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def environment(tmp_path: Path, wheels: Path) -> Environment:
    """An empty virtual environment."""
    return Environment(tmp_path / "venv", wheels)


@pytest.mark.parametrize(
    "order",
    [("abeja-sdk", "abeja-runtime"), ("abeja-runtime", "abeja-sdk")],
    ids=["after-abeja-sdk", "before-abeja-sdk"],
)
def test_both_import_and_uninstalling_abeja_runtime_leaves_abeja_sdk_whole(
    environment: Environment, order: tuple[str, str]
) -> None:
    for name in order:
        environment.install(name)

    environment.execute(IMPORT_BOTH)
    assert "abi-19.04" in environment.command("plugins")

    environment.uninstall("abeja-runtime")
    environment.execute("import abeja, abeja.datalake, abeja.datasets, abeja.training; abeja.VERSION")
    environment.execute("import importlib.util; assert importlib.util.find_spec('abeja.runtime') is None")


def test_editable_install_works_beside_abeja_sdk(environment: Environment, sources: Path) -> None:
    environment.install("abeja-sdk")
    environment.install("--editable", str(sources))

    environment.execute(IMPORT_BOTH)
    environment.execute(f"import abeja.runtime; assert abeja.runtime.__file__.startswith({str(sources)!r})")
    assert "abi-19.04" in environment.command("plugins")
