"""Environments by the installed command: built once, kept, and right."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from abeja.runtime import Image
from abeja.runtime.prepare.provided import provided_requirements
from tests.prepare.conftest import Install, make_wheel, sha256

Start = Callable[[], "subprocess.Popen[str]"]

BUILDING = "INFO: building the environment"


def answer(runtime: Install, model: Path, *arguments: str, **variables: str) -> object:
    done = runtime("run-local", "--input", str(model / "request.json"), *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_requirements_are_installed_and_kept(runtime: Install, model: Path, environments: Path) -> None:
    (model / "requirements.txt").write_text("alpha==1.0  # the old one\n")

    assert answer(runtime, model) == {"alpha": "1.0"}
    second = runtime("run-local", "--input", str(model / "request.json"), PIP_FIND_LINKS="", UV_OFFLINE="1")
    kept = [path.name for path in environments.iterdir() if path.is_dir()]
    assert len(kept) == 1
    # Where packages come from is part of what an environment is made of.
    assert second.returncode == 3

    third = runtime("run-local", "--input", str(model / "request.json"))
    assert BUILDING not in third.stderr
    assert json.loads(third.stdout) == {"alpha": "1.0"}


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_both_tools_install_what_a_pipfile_and_its_lock_ask_for(
    runtime: Install, model: Path, wheels: Path, tool: str
) -> None:
    (model / "requirements.txt").write_text("alpha==2.0\n")
    (model / "Pipfile").write_text('[packages]\nalpha = "==1.0"\n')
    assert answer(runtime, model, "--installer", tool) == {"alpha": "1.0"}

    (model / "requirements.txt").write_text(f"alpha==2.0 --hash={sha256(wheels / 'alpha-2.0-py3-none-any.whl')}\n")
    (model / "Pipfile").unlink()
    assert answer(runtime, model, "--installer", tool) == {"alpha": "2.0"}


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_scripts_of_an_environment_run(runtime: Install, model: Path, tool: str) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    (model / "main.py").write_text(
        "import subprocess\n"
        "def handler(request, context):\n"
        "    return {'content': subprocess.check_output(['python', '-c', 'import alpha; print(alpha.VERSION)'])}\n"
    )

    done = runtime("run-local", "--input", str(model / "request.json"), "--installer", tool)

    assert done.stdout.strip() == "2.0", done.stderr


def test_a_wrong_hash_is_refused_and_nothing_is_kept(runtime: Install, model: Path, environments: Path) -> None:
    (model / "requirements.txt").write_text(f"alpha==1.0 --hash=sha256:{'0' * 64}\n")

    done = runtime("install")

    assert done.returncode == 3
    assert "Error: hash-mismatch: " in done.stderr
    assert [path for path in environments.iterdir() if path.is_dir()] == []


def test_nothing_to_install_needs_no_environment(runtime: Install, model: Path, environments: Path) -> None:
    (model / "main.py").write_text("def handler(request, context):\n    return {'content': 'x'}\n")

    done = runtime("install")

    assert done.stderr == "INFO: requirements.txt/Pipfile not found, skip installing dependencies process\n"
    assert done.stdout.strip() == sys.executable
    assert not environments.exists()


def test_what_the_image_provides_is_installed_if_it_is_imported_and_not_asked_for(
    runtime: Install, model: Path
) -> None:
    (model / "abeja-runtime.toml").write_text('[image.latest.provides]\nalpha = "alpha<2"\nbeta = ["beta"]\n')
    assert answer(runtime, model) == {"alpha": "1.0"}

    (model / "requirements.txt").write_text("Alpha\n")
    assert answer(runtime, model) == {"alpha": "2.0"}


def test_what_the_image_always_has_is_installed_unless_it_is_asked_for(runtime: Install, model: Path) -> None:
    (model / "abeja-runtime.toml").write_text('[image.latest]\nalways = ["alpha<2"]\n')
    (model / "main.py").write_text(
        "import json, subprocess\n"
        "def handler(request, context):\n"
        "    version = subprocess.check_output(['python', '-c', 'import alpha; print(alpha.VERSION)'])\n"
        "    return {'content_type': 'application/json', 'content': {'alpha': version.decode().strip()}}\n"
    )
    assert answer(runtime, model) == {"alpha": "1.0"}

    (model / "requirements.txt").write_text("Alpha\n")
    assert answer(runtime, model) == {"alpha": "2.0"}


def test_another_build_of_a_package_takes_the_place_of_what_the_image_has() -> None:
    image = Image(
        name="x", abi="x", encoders=[], provides={"cv2": "opencv-python-headless"}, always=["Pillow", "numpy"]
    )

    def provided(*asked: str) -> tuple[str, ...]:
        return provided_requirements(image, imported={"cv2"}, asked=set(asked))

    assert provided() == ("Pillow", "numpy", "opencv-python-headless")
    assert provided("opencv-contrib-python", "pillow-simd") == ("numpy",)


def test_inherit_installs_nothing_and_says_nothing(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("alpha\n")

    done = runtime("install", "--env", "inherit")

    assert (done.stdout.strip(), done.stderr) == (sys.executable, "")


def test_inherit_takes_the_servers_python_whatever_the_image_had(
    runtime: Install, model: Path, environments: Path
) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    (model / "abeja-runtime.toml").write_text('[image.latest]\npython = "3.99"\n')
    (model / "main.py").write_text(
        "import sys\ndef handler(request, context):\n    return {'content': sys.executable}\n"
    )

    done = runtime("run-local", "--env", "inherit", "--input", str(model / "request.json"))

    assert done.stdout.strip() == sys.executable, done.stderr
    assert "requirements.txt" not in done.stderr
    assert "WARNING" not in done.stderr
    assert not environments.exists()


def test_a_python_that_is_not_here_is_replaced_with_a_warning_that_says_what_differs(
    runtime: Install, model: Path
) -> None:
    (model / "main.py").write_text("def handler(request, context):\n    return {'content': 'x'}\n")
    (model / "abeja-runtime.toml").write_text('[image.latest]\npython = "3.5"\nreleased = 2018-01-01\n')

    done = runtime("run-local", "--input", str(model / "request.json"))

    assert (done.returncode, done.stdout) == (0, "x"), done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert "Python 3.5 (image version latest) is not on this machine: the handler runs on " in warning
    assert "with packages of today instead of 2018-01-01" in warning


def test_inherit_takes_a_version_of_python(runtime: Install) -> None:
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"

    done = runtime("install", "--env", "inherit", "--python", own)
    missing = runtime("install", "--env", "inherit", "--python", "3.99")

    version = subprocess.check_output([done.stdout.strip(), "--version"], text=True)
    assert version.startswith(f"Python {own}.")
    assert missing.returncode == 2
    assert "interpreter-missing" in missing.stderr


def test_an_environment_is_built_unless_another_is_asked_for(runtime: Install, model: Path, environments: Path) -> None:
    (model / "requirements.txt").write_text("alpha\n")

    done = runtime("install", ABEJA_RUNTIME_ENV="")

    assert BUILDING in done.stderr
    assert Path(done.stdout.strip()).is_relative_to(environments)


def test_an_existing_environment_is_used_as_it_is(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("alpha==1.0\n")
    python = Path(runtime("install").stdout.strip())
    (model / "requirements.txt").unlink()

    assert answer(runtime, model, "--env", str(python.parents[1])) == {"alpha": "1.0"}
    (model / "requirements.txt").write_text("alpha==2.0\n")
    assert f"requirements.txt is not installed: --env {python}" in runtime("install", "--env", str(python)).stderr
    missing = runtime("install", "--env", str(model))
    assert missing.returncode == 2
    assert "interpreter-missing" in missing.stderr


def test_what_cannot_be_resolved_is_an_error_with_exit_code_3(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("alpha==3.0\n")

    done = runtime("install")

    assert done.returncode == 3
    assert "Error: dependency-unresolvable: " in done.stderr
    assert "alpha==3.0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pin_without_a_wheel_names_the_pythons_that_have_one(runtime: Install, model: Path, wheels: Path) -> None:
    for tag in ("cp36-cp36m", "cp37-cp37m"):
        make_wheel(wheels, "gamma", "1.0", tag=f"{tag}-manylinux1_x86_64")
    (model / "requirements.txt").write_text("gamma==1.0\n")

    done = runtime("install")

    assert done.returncode == 3
    assert "Error: wheel-missing: gamma==1.0 has no wheel for Python " in done.stderr
    assert "Pythons that have one: 3.6, 3.7." in done.stderr


def test_an_index_that_does_not_answer_is_named_so(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""}

    done = runtime("install", **unreachable, UV_HTTP_RETRIES="0")

    assert done.returncode == 3
    assert "Error: index-unreachable: " in done.stderr


def test_a_file_that_cannot_be_read_is_named(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("-r missing.txt\n")

    done = runtime("install")

    assert done.returncode == 3
    assert f"dependency-file-invalid: {model}/requirements.txt cannot be used: there is no file" in done.stderr


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_line_that_asks_for_nothing_is_named_with_its_file(runtime: Install, model: Path, tool: str) -> None:
    (model / "requirements.txt").write_text("alpha\nfoo bar\n")

    done = runtime("install", "--installer", tool)

    assert done.returncode == 3
    assert "Error: dependency-file-invalid: what the model asks for cannot be read." in done.stderr
    assert "requirements.txt" in done.stderr
    assert "foo bar" in done.stderr
    assert "environments" not in done.stderr


@pytest.fixture
def slow_project(tmp_path: Path, model: Path) -> Path:
    """A project that the model asks for, whose build waits for the file `go`."""
    project = tmp_path / "project"
    project.mkdir()
    make_wheel(project, "slow", "1.0")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slow"\nversion = "1.0"\n'
    )
    (project / "backend.py").write_text(
        "import os, shutil, time\n"
        f"here = {str(tmp_path)!r}\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    open(os.path.join(here, 'started'), 'a').write('x')\n"
        "    while not os.path.exists(os.path.join(here, 'go')):\n"
        "        time.sleep(0.01)\n"
        f"    shutil.copy({str(project / 'slow-1.0-py3-none-any.whl')!r}, folder)\n"
        "    return 'slow-1.0-py3-none-any.whl'\n"
    )
    (model / "requirements.txt").write_text(f"{project}\nalpha\n")
    return project


@pytest.fixture
def start_install(command: Path, isolated: dict[str, str], model: Path) -> Start:
    """Starts `install` for the model and does not wait."""
    arguments = [str(command), "install", "--image-version", "latest", "--model-dir", str(model)]
    pipe = subprocess.PIPE
    return lambda: subprocess.Popen(arguments, env=isolated, stdout=pipe, stderr=pipe, text=True)


def test_ten_starts_at_once_build_once(start_install: Start, slow_project: Path) -> None:
    started = [start_install() for _ in range(10)]
    _wait_for(slow_project.parent / "started")
    (slow_project.parent / "go").touch()

    outputs = [process.communicate() for process in started]

    assert [process.returncode for process in started] == [0] * 10
    assert len({stdout for stdout, _ in outputs}) == 1
    assert sum(BUILDING in stderr for _, stderr in outputs) == 1
    assert (slow_project.parent / "started").read_text() == "x"


def test_after_a_kill_in_the_middle_the_next_start_is_clean(
    start_install: Start, slow_project: Path, runtime: Install, environments: Path
) -> None:
    with start_install() as killed:
        _wait_for(slow_project.parent / "started")
        killed.send_signal(signal.SIGKILL)
    assert len(list(environments.glob(".*.*"))) == 1
    (slow_project.parent / "go").touch()

    done = runtime("install")

    assert done.returncode == 0, done.stderr
    assert list(environments.glob(".*.*")) == []
    assert [path for path in environments.iterdir() if path.is_dir()] == [Path(done.stdout.strip()).parents[1]]


def test_an_environment_whose_python_is_gone_is_built_anew(runtime: Install, model: Path) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    python = Path(runtime("install").stdout.strip())
    python.unlink()
    python.symlink_to("/nowhere/python")

    done = runtime("install")

    assert BUILDING in done.stderr
    assert python.exists()


def test_env_list_and_prune(command: Path, runtime: Install, model: Path, isolated: dict[str, str]) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    python = Path(runtime("install").stdout.strip())

    def env(*arguments: str) -> str:
        return subprocess.run(
            [command, "env", *arguments], env=isolated, capture_output=True, text=True, check=True
        ).stdout

    (listed,) = json.loads(env("list", "--json"))
    assert (listed["folder"], listed["source"]) == (str(python.parents[1]), "requirements.txt")
    assert "alpha==2.0" in listed["packages"]
    assert re.search(rf"^{listed['environment']}  3\.\d+\.\d+  requirements\.txt ", env("list"), re.MULTILINE)
    assert env("prune").startswith("removed 0 environments")
    assert env("prune", "--all").startswith("removed 1 environment,")
    assert not python.parents[1].exists()


def test_an_environment_that_is_in_use_is_not_pruned(
    command: Path, model: Path, isolated: dict[str, str], tmp_path: Path
) -> None:
    (model / "requirements.txt").write_text("alpha\n")
    log = tmp_path / "log"
    arguments = ["--image-version", "latest", "--model-dir", str(model), "--port", "0", "--health-port", "0"]
    with (
        log.open("wb") as output,
        subprocess.Popen([str(command), "serve", *arguments], env=isolated, stderr=output) as server,
    ):
        _wait_for(log, "INFO: ready: ")
        pruned = subprocess.run([command, "env", "prune", "--all"], env=isolated, capture_output=True, check=True)
        server.terminate()
    assert pruned.stdout.startswith(b"removed 0 environments")


def _wait_for(path: Path, text: str = "") -> None:
    end = time.monotonic() + 30
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < end, f"waited for {path}"
        time.sleep(0.02)
