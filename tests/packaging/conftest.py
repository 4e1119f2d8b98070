"""The wheel, built once, and interpreters to try it with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What a checkout may hold beside the project's files. `build` above all: setuptools takes up what is left in it.
_NOT_SOURCES = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
# pip's words when what builds the wheel cannot be installed.
_NO_BACKEND = "build dependencies did not run successfully"


@pytest.fixture(scope="session")
def sources(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the project."""
    copy = tmp_path_factory.mktemp("sources") / "abeja-runtime"
    shutil.copytree(repository, copy, ignore=_NOT_SOURCES)
    return copy


@pytest.fixture(scope="session")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel. Without the build back end the tests of it are skipped, but never in CI."""
    folder = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, sources],
        capture_output=True,
        text=True,
        check=False,
    )
    if _NO_BACKEND in build.stdout + build.stderr and not os.environ.get("CI"):
        pytest.skip(f"setuptools, which builds the wheel, cannot be installed:\n{build.stderr}")
    assert build.returncode == 0, build.stdout + build.stderr
    (built,) = folder.glob("*.whl")
    return built
