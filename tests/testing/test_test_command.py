"""`abeja-runtime test`, and the fixture `handler_client`: tests of handlers, run as their authors run them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

UNITTEST = """
import sys
import unittest

from abeja_handler_testing import HandlerClient


class TaxTest(unittest.TestCase):
    def test_adds_tax(self):
        with HandlerClient() as client:
            answer = client.post(json=[{"price": 100, "quantity": 1}])
        self.assertEqual((answer.status, answer.json()), (200, {"total": 108.0}))
        self.assertNotIn("abeja.runtime", sys.modules)
        sys.stderr.write("on Python %d.%d" % sys.version_info[:2])

    def test_refuses_nonsense(self):
        with HandlerClient() as client, self.assertRaises(TypeError):
            client.post(json=5)
"""
PYTEST = """
import pytest


def test_adds_tax(handler_client):
    assert handler_client.post(json=[{"price": 100, "quantity": 1}]).json() == {"total": 108.0}


def test_raises(handler_client):
    with pytest.raises(TypeError):
        handler_client.post(json=5)


@pytest.mark.handler(raise_errors=False)
def test_answers_500(handler_client):
    assert handler_client.post(json=5).status == 500


@pytest.mark.handler("main:handler", worker=True)
def test_in_a_worker(handler_client):
    assert handler_client.post(json=5).status == 500
"""


@pytest.fixture
def model(repository: Path, tmp_path: Path) -> Path:
    """The example `tax`, with its configuration."""
    (tmp_path / "main.py").write_bytes((repository / "examples/tax/main.py").read_bytes())
    (tmp_path / "abeja-runtime.toml").write_text('[model]\nimage = "abeja/all-cpu:19.04"\n')
    # No settings of the project around it.
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    return tmp_path


@pytest.fixture
def run(model: Path, environ: dict[str, str], command: Path) -> Run:
    """Runs a program in the model's folder, or without one the command."""

    def call(*arguments: object, program: object = command, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), *map(str, arguments)],
            cwd=model,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_unittest_runs_on_the_handlers_own_python(
    run: Run, model: Path, python_of: Callable[[str], Path], version: str
) -> None:
    (model / "test_main.py").write_text(UNITTEST)

    done = run("test", "--python", python_of(version), "--runner", "unittest")

    assert done.returncode == 0, done.stderr
    assert f"on Python {version}" in done.stderr
    assert "Ran 2 tests" in done.stderr


def test_pytest_has_the_fixture_and_takes_what_stands_behind_the_dashes(run: Run, model: Path) -> None:
    (model / "test_main.py").write_text(PYTEST)

    done = run("test", "--python", sys.executable, "--", "-q", "-rs")
    selected = run("test", "--python", sys.executable, "--", "-q", "-k", "adds_tax")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 1 skipped" in done.stdout
    assert "a worker needs the server's Python" in done.stdout
    assert "1 passed, 3 deselected" in selected.stdout


def test_pytest_alone_has_the_fixture_too(run: Run, model: Path) -> None:
    (model / "test_main.py").write_text(PYTEST)

    done = run("-q", program=Path(sys.executable).with_name("pytest"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_models_of_two_folders_in_one_run_do_not_mix(run: Run, model: Path, repository: Path) -> None:
    echo = repository / "tests/handlers/19.04/echo"
    (model / "test_main.py").write_text(
        PYTEST + f"\n\n@pytest.mark.handler(model_dir={str(echo)!r}, image_version='19.04')\n"
        "def test_another(handler_client):\n"
        "    assert handler_client.get('/x').json()['path'] == '/x'\n\n\n"
        "def test_again(handler_client):\n"
        "    assert handler_client.post(json=[]).json() == {'total': 0.0}\n"
    )

    done = run("-q", program=Path(sys.executable).with_name("pytest"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_failing_tests_are_the_exit_code(run: Run, model: Path) -> None:
    (model / "test_main.py").write_text(
        "def test_fails(handler_client):\n    assert handler_client.get().status == 1\n"
    )

    assert run("test", "--python", sys.executable).returncode == 1


def test_a_python_without_pytest_is_an_error_that_says_what_to_do(run: Run, python36: Path) -> None:
    has_pytest = subprocess.run([python36, "-c", "import pytest"], capture_output=True, check=False).returncode == 0
    if has_pytest:
        pytest.skip("that Python has pytest")

    done = run("test", "--python", python36)

    assert done.returncode == 2
    assert "test-runner-missing: pytest is not installed for the handler's Python" in done.stderr
    assert "--runner unittest" in done.stderr.partition("Hint:")[2]


def test_an_option_of_the_command_in_the_marker_is_an_error(run: Run, model: Path) -> None:
    (model / "test_main.py").write_text(
        "import pytest\n\n@pytest.mark.handler(image_version='19.04')\ndef test_it(handler_client):\n    pass\n"
    )

    done = run("test", "--python", sys.executable)

    assert done.returncode == 1
    assert "image_version: options of `abeja-runtime test` are given to the command" in done.stdout
