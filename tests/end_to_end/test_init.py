"""``abeja-runtime init``: what it writes runs, is tested and is served as it is."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer

Run = Callable[..., subprocess.CompletedProcess[str]]

ABIS = ["18.10", "19.04"]
GREETING = {"greeting": "Hello, Ada!"}


@pytest.fixture
def run(command: Path, environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs the command in an empty folder, or in one below it."""

    def call(*arguments: object, folder: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *map(str, arguments)],
            cwd=tmp_path / folder,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize("abi", ABIS)
def test_what_it_writes_runs_is_tested_and_serves(
    run: Run, command: Path, environ: dict[str, str], tmp_path: Path, abi: str
) -> None:
    made = run("init", "greeting", "--abi", abi)
    assert (made.returncode, made.stderr) == (0, "")
    model = tmp_path / "greeting"
    # As it says.
    commands = re.findall(r"^    abeja-runtime (.*)$", made.stdout, re.MULTILINE)
    assert commands == ["run-local --input request.json", "test", "--reload"]

    answer = run(*commands[0].split(), "--quiet", folder="greeting")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout) == GREETING

    tested = run(commands[1], "--python", sys.executable, folder="greeting")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 passed" in tested.stdout

    arguments = [commands[2], "--model-dir", str(model)]
    with RunningServer(command, *arguments, environ=environ, log=tmp_path / "log") as server:
        reply = server.wait_until_ready().request(
            body=(model / "request.json").read_bytes(), headers={"Content-Type": "application/json"}
        )
        assert (reply.status, reply.json()) == (200, GREETING)
        assert server.stop() == 0


@pytest.mark.parametrize("abi", ABIS)
def test_what_it_writes_runs_on_python36(run: Run, python36: Path, abi: str) -> None:
    assert run("init", "--abi", abi).returncode == 0

    answer = run("run-local", "--input", "request.json", "--quiet", "--python", python36)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout) == GREETING


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("python36")
@pytest.mark.parametrize("abi", ABIS)
def test_its_tests_run_on_python36_with_the_packages_of_the_image(run: Run, tmp_path: Path, abi: str) -> None:
    assert run("init", "greeting", "--abi", abi).returncode == 0

    done = run("test", folder="greeting", ABEJA_RUNTIME_ENV="auto", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "Python 3.6" in done.stdout


@pytest.mark.parametrize("abi", ABIS)
def test_check_finds_nothing_in_what_it_writes(run: Run, abi: str) -> None:
    assert run("init", "--abi", abi).returncode == 0

    done = run("check")

    assert done.returncode == 0
    assert done.stdout.startswith(f"main:handler, image version {abi} (ABI {abi}), ")
    assert "nothing found" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--image", "abeja/all-cpu:19.10"), {"image": "abeja/all-cpu:19.10"}),
        (("--image-version", "19.10"), {"image_version": "19.10"}),
        (("--abi", "19.04"), {"image_version": "19.04"}),
        (("--abi", "19.04", "--image-version", "20.02"), {"image_version": "20.02"}),
    ],
)
def test_the_configuration_says_what_was_asked_for(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert run("init", *arguments).returncode == 0

    assert tomllib.loads((tmp_path / "abeja-runtime.toml").read_text()) == {"model": expected}


@pytest.mark.parametrize(
    ("flag", "value"), [("--image-version", "20.02"), ("--image", "abeja/all-cpu:20.02"), ("--image", "a/b:21.04")]
)
def test_an_abi_and_an_image_version_that_has_another_are_an_error(
    run: Run, tmp_path: Path, flag: str, value: str
) -> None:
    done = run("init", "--abi", "18.10", flag, value)

    assert done.returncode == 2
    assert f"option-invalid: --abi 18.10 and {flag} {value} contradict each other" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_abi_wins_over_the_image_version_of_a_variable(run: Run, tmp_path: Path) -> None:
    assert run("init", "--abi", "18.10", ABEJA_RUNTIME_IMAGE_VERSION="20.02").returncode == 0

    assert tomllib.loads((tmp_path / "abeja-runtime.toml").read_text()) == {"model": {"image_version": "18.10"}}


def test_it_writes_over_nothing_and_then_nothing_at_all(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    (tmp_path / "README.md").symlink_to("nowhere")

    done = run("init", "--abi", "19.04")

    assert done.returncode == 2
    assert "model-exists: . has README.md, main.py already; nothing was written." in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "main.py"]
    assert (tmp_path / "main.py").read_text() == "mine"


def test_other_files_in_the_folder_do_not_matter(run: Run, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").touch()

    assert run("init", "--abi", "19.04").returncode == 0
    assert (tmp_path / "main.py").exists()


def test_without_a_version_it_names_what_there_is(run: Run, tmp_path: Path) -> None:
    done = run("init", "new")

    assert done.returncode == 2
    assert "ABIs with a template: 18.10, 19.04." in done.stderr
    assert not (tmp_path / "new").exists()


def test_an_abi_without_a_template_is_named_with_those_that_have_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bare_abi.py").write_text(
        "from pathlib import Path\n\nfrom abeja.runtime import Abi, Image, hookimpl\n\n\n"
        "@hookimpl\ndef abeja_abis():\n    yield Abi(name='bare', worker=Path(__file__))\n\n\n"
        "@hookimpl\ndef abeja_images():\n    yield Image(name='bare-1', abi='bare')\n"
    )

    done = run("init", "--plugin", "bare_abi.py", "--abi", "bare")

    assert done.returncode == 2
    assert "template-missing: the handler ABI 'bare'" in done.stderr
    assert "Known: 18.10, 19.04." in done.stderr
