"""Tests of a handler run by pytest on the handler's own Python; pytest comes from the index."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compat import pythons

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[1] / "examples" / "tax" / "main.py"
TESTS = """
import sys

import pytest


def test_adds_the_tax(handler_client):
    assert handler_client.post(json=[{"price": 100, "quantity": 1}]).json() == {"total": 108.0}
    assert "abeja.runtime" not in sys.modules


def test_raises(handler_client):
    with pytest.raises(TypeError):
        handler_client.post(json=5)


@pytest.mark.handler("main:handler", raise_errors=False)
def test_answers_500(handler_client):
    assert handler_client.post(json=5).status == 500


@pytest.mark.handler(worker=True)
def test_in_a_worker(handler_client):
    assert handler_client.post(json=5).status == 500
"""


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.9", "3.13"])
def test_the_fixture_works_with_the_pytest_of_each_python(version: str, tmp_path: Path) -> None:
    pythons.require(version)
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(EXAMPLE, model)
    (model / "test_main.py").write_text(TESTS)
    # For 3.6 as of the release of the image version: pytest 3.
    (model / "requirements.txt").write_text("pytest\n")
    command = Path(sys.executable).with_name("abeja-runtime")
    arguments = ["--image", "abeja/all-cpu:19.04", "--env", "auto", "--python", version]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}

    done = subprocess.run(
        [command, "test", *arguments, "--", "-q", "-rs"],
        cwd=model,
        env={**environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 1 skipped" in done.stdout
