"""What is wrong with an installed plugin is said with its distribution and version, by the command itself."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

PLUGIN = """
from pathlib import Path
from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders():
    yield Encoder(name="msgpack", worker=Path(__file__).with_name("worker.py"))
"""
WORKER = """
class Encoder:
    def __init__(self, media_type):
        pass

    def claims(self, content):
        return False

    def accepts(self, value):
        return True

    def encode(self, value, *, is_first):
        return [repr(value).encode("ascii")]
"""
# The newest syntax that there is everywhere but on the oldest Python: of 3.8.
NEWER_WORKER = WORKER + "\nif (size := 1):\n    pass\n"


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., None]:
    """Makes a distribution with one plugin, as pip leaves it: ``install("acme", entry_point="encoder-msgpack")``."""

    def make(name: str, plugin: str = PLUGIN, *, worker: str = WORKER, version: str = "1.2", entry_point: str) -> None:
        packages = tmp_path / "site-packages"
        package = packages / name.replace("-", "_")
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(plugin)
        (package / "worker.py").write_text(worker)
        info = packages / f"{package.name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[abeja_runtime]\n{entry_point} = {package.name}\n")

    return make


@pytest.fixture
def run(command: Path, environ: dict[str, str], tmp_path: Path) -> Run:
    """Calls a handler whose image version asks for the encoder `msgpack`."""
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': 1}\n")
    (tmp_path / "request.json").write_text("{}")
    (tmp_path / "abeja-runtime.toml").write_text('[image."x"]\nabi = "19.04"\nencoders = ["msgpack"]\n')

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(command),
                *map(str, arguments or ("run-local", "--image-version", "x", "--input", "request.json", "--quiet")),
            ],
            cwd=tmp_path,
            env={**environ, "PYTHONPATH": str(tmp_path / "site-packages")},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_an_installed_plugin_is_used_and_listed_with_its_distribution(install: Callable[..., None], run: Run) -> None:
    install("acme-abeja-msgpack", entry_point="encoder-msgpack")

    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert "acme-abeja-msgpack 1.2" in run("plugins").stdout


@pytest.mark.parametrize(
    ("plugin", "slug", "words"),
    [
        (PLUGIN.replace("abeja_encoders", "abeja_encoder"), "plugin-hook-unknown", "did you mean abeja_encoders?"),
        (PLUGIN.replace("import Encoder", "import Encodeur"), "plugin-import-failed", "Encodeur"),
        (PLUGIN.replace("def abeja", "async def abeja"), "plugin-hook-async", "write `def` instead of `async def`"),
        (PLUGIN.replace("@hookimpl", ""), "plugin-hook-unknown", "put @hookimpl above it"),
        ("", "plugin-hook-missing", "abeja_encoders"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named_when_it_is_asked_for_and_listed(
    install: Callable[..., None], run: Run, plugin: str, slug: str, words: str
) -> None:
    install("acme-abeja-msgpack", plugin, entry_point="encoder-msgpack")

    done, listed = run(), run("plugins")

    assert (done.returncode, done.stdout) == (2, "")
    for text in (done.stderr, listed.stdout):
        assert f"{slug}: the plugin encoder-msgpack (acme-abeja-msgpack 1.2)" in text
        assert words in text
        assert "Traceback" not in text
    assert listed.returncode == 0


def test_one_name_from_two_distributions_names_both(install: Callable[..., None], run: Run) -> None:
    install("acme-abeja-msgpack", entry_point="encoder-msgpack")
    install("other-msgpack", entry_point="encoder-msgpack", version="3.0")

    done = run()

    assert done.returncode == 2
    assert "plugin-name-duplicate: the plugin name 'encoder-msgpack' is taken by" in done.stderr
    assert "acme-abeja-msgpack 1.2" in done.stderr
    assert "other-msgpack 3.0" in done.stderr


def test_one_encoder_from_two_distributions_names_both(install: Callable[..., None], run: Run) -> None:
    install("acme-abeja-msgpack", entry_point="encoder-msgpack")
    install("other-msgpack", entry_point="encoder-mp", version="3.0")

    done = run()

    assert done.returncode == 2
    assert "plugin-conflict: the encoder 'msgpack' is provided by both" in done.stderr
    assert "encoder-msgpack (acme-abeja-msgpack 1.2)" in done.stderr
    assert "encoder-mp (other-msgpack 3.0)" in done.stderr


def test_a_worker_half_that_is_too_new_for_the_handlers_python_names_distribution_file_and_line(
    install: Callable[..., None], run: Run, python36: Path
) -> None:
    install("acme-abeja-msgpack", worker=NEWER_WORKER, entry_point="encoder-msgpack")

    done = run("run-local", "--image-version", "x", "--input", "request.json", "--quiet", "--python", python36)

    assert (done.returncode, done.stdout) == (4, "")
    report = done.stderr[done.stderr.index("Error: ") :]
    assert "plugin-worker-failed: the worker module of encoder 'msgpack' (acme-abeja-msgpack 1.2, /" in report
    assert "does not load on Python 3.6." in report
    assert f"worker.py, line {NEWER_WORKER[: NEWER_WORKER.index(':=')].count(chr(10)) + 1}" in report


def test_a_worker_half_that_imports_the_servers_names_fails_on_every_python(
    install: Callable[..., None], run: Run
) -> None:
    install("acme-abeja-msgpack", worker=f"import abeja.runtime\n{WORKER}", entry_point="encoder-msgpack")

    done = run()

    assert done.returncode == 4
    assert "plugin-worker-failed: the worker module of encoder 'msgpack' (acme-abeja-msgpack 1.2, /" in done.stderr
    assert "abeja.runtime" in done.stderr
