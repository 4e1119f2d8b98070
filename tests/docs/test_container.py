"""What docs/how-to/run-in-a-container.md says to Docker is done without it, in a folder that stands for /."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

# Paths of the image, which are put below the folder that stands for its root.
PLACES = re.compile(r"(?<![\w./])/(?=(?:opt|model|tmp)\b)")
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\)")
# Installing the wheel and the model's packages.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@frozen
class Image:
    """A Dockerfile, as far as it has been run."""

    root: Path
    context: Path
    environ: dict[str, str]

    def inside(self, text: str) -> str:
        """A text with the paths that its root has here."""
        return PLACES.sub(f"{self.root}/", text)

    def build(self, instructions: list[tuple[str, str]]) -> None:
        """Do what is done when the image is built."""
        for name, rest in instructions:
            if name == "COPY":
                self._copy(*rest.split())
            elif name == "ENV":
                for assignment in shlex.split(rest):
                    variable, _, value = assignment.partition("=")
                    self.environ[variable] = self.inside(value).replace("$PATH", self.environ["PATH"])
            elif name == "RUN":
                self._run(self.inside(rest))

    def _copy(self, pattern: str, destination: str) -> None:
        folder = Path(self.inside(destination))
        for source in self.context.glob(pattern):
            if source.is_dir():
                shutil.copytree(source, folder, dirs_exist_ok=True)
            else:
                shutil.copy(source, folder)

    def _run(self, command: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-euc", command], env=self.environ, capture_output=True, text=True, check=False, cwd=self.root
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture
def dockerfiles(repository: Path, blocks_of: Callable[[str], list[Any]]) -> list[list[tuple[str, str]]]:
    """The instructions of each Dockerfile of the page."""
    page = (repository / "docs/how-to/run-in-a-container.md").read_text()
    texts = [block.text for block in blocks_of(page) if block.language == "dockerfile"]
    lines = [re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "") for text in texts]
    return [re.findall(r"^([A-Z]+) (.+)$", text, re.MULTILINE) for text in lines]


@pytest.fixture
def context(repository: Path, tmp_path: Path) -> Path:
    """What lies beside the Dockerfile: the wheel and a model that needs a package."""
    context = tmp_path / "context"
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, sources)
    for name in ("abeja", "plugins"):
        shutil.copytree(repository / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(context), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    model = context / "model"
    model.mkdir()
    (model / "requirements.txt").write_text("six==1.16.0\n")
    (model / "main.py").write_text(
        "import six\n\n\ndef handler(request, context):\n    return {'content': six.__version__}\n"
    )
    (model / "abeja-runtime.toml").write_text('[model]\nimage_version = "latest"\n')
    return context


@pytest.fixture
def image(context: Path, tmp_path: Path, environ: dict[str, str]) -> Image:
    """An image of nothing but Python."""
    root = tmp_path / "root"
    for name in ("opt", "tmp", "bin"):
        (root / name).mkdir(parents=True)
    (root / "bin" / "python").symlink_to(sys.executable)
    own = {name: value for name, value in environ.items() if name not in {"ABEJA_RUNTIME_ENV", "PYTHONPATH"}}
    return Image(root=root, context=context, environ={**own, "PATH": f"{root}/bin{os.pathsep}{own['PATH']}"})


def test_container_starts_with_what_was_installed_when_its_image_was_built(
    dockerfiles: list[list[tuple[str, str]]], image: Image
) -> None:
    instructions = dockerfiles[0]
    image.build(instructions)
    said = dict(instructions)
    # The package index is out of reach, and the host's addresses are not ours to listen on.
    environ = {**image.environ, "UV_OFFLINE": "1", "ABEJA_RUNTIME_HOST": "127.0.0.1"}
    environ |= {"PORT": "0", "HEALTHCHECK_PORT": "0"}

    assert image.environ["ABEJA_RUNTIME_HOST"] == "0.0.0.0"  # noqa: S104 (in a container)
    assert said["USER"].isdigit()
    process = subprocess.Popen(
        json.loads(image.inside(said["CMD"])), env=environ, stderr=subprocess.PIPE, text=True, cwd=image.root
    )
    try:
        assert process.stderr is not None
        log = ""
        while "INFO: ready" not in log:
            line = process.stderr.readline()
            assert line, log
            log += line
        assert "building the environment" not in log
        found = LISTENING.search(log)
        assert found, log
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/") as answer:
            assert answer.read() == b"1.16.0"
        check = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
        subprocess.run([part.replace("5001", found[2]) for part in check], env=environ, check=True)
    finally:
        process.terminate()
        _, rest = process.communicate()
    assert process.returncode == 0, log + rest


def test_server_of_an_old_python_gets_an_environment_of_its_own(
    dockerfiles: list[list[tuple[str, str]]], image: Image
) -> None:
    image.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), image.environ["PATH"]))
    # Whichever Python is here takes the place of the one that uv would download.
    version = "{}.{}".format(*sys.version_info)
    instructions = [
        (name, rest.replace("--python 3.12", f"--python {version}"))
        for name, rest in dockerfiles[1]
        if not rest.startswith("--from=")
    ]

    image.build(instructions)

    command = [image.inside("/opt/abeja-runtime/bin/abeja-runtime"), "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("abeja-runtime ")
