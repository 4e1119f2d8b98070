"""What is wrong with an installed plugin is said with its distribution and version, by the command itself."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

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
    """Calls the command where the image version `x` asks for the encoder `msgpack`."""
    (tmp_path / "main.py").write_text("def handler(request, context):\n    return {'content': 1}\n")
    (tmp_path / "request.json").write_text("{}")
    (tmp_path / "abeja-runtime.toml").write_text('[image."x"]\nabi = "19.04"\nencoders = ["msgpack"]\n')

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command), *map(str, arguments)],
            cwd=tmp_path,
            env={**environ, "PYTHONPATH": str(tmp_path / "site-packages")},
            capture_output=True,
            text=True,
            check=False,
            timeout=40,
        )

    return call


RUN_LOCAL = ("run-local", "--image-version", "x", "--input", "request.json", "--quiet")
# Ends by itself only if something is wrong.
SERVE = ("serve", "--image-version", "x", "--port", "0", "--health-port", "0")
ASKING = pytest.mark.parametrize("asking", [RUN_LOCAL, SERVE], ids=["run-local", "serve"])


@frozen(kw_only=True)
class Fault:
    """What is wrong with the distribution acme-abeja-msgpack 1.2, and what is said about it.

    Attributes:
        plugin: the source of its plugin.
        other: the entry point by which another distribution, other-msgpack 3.0, provides the same encoder.
        says: the beginning of the error.
        hint: a part of what follows.
    """

    plugin: str = PLUGIN
    other: str = ""
    says: str
    hint: str


ACME = "the plugin encoder-msgpack (acme-abeja-msgpack 1.2)"
FAULTS = {
    "misspelt hook": Fault(
        plugin=PLUGIN.replace("abeja_encoders", "abeja_encoder"),
        says=f"plugin-hook-unknown: {ACME} implements abeja_encoder, which is not a hook.",
        hint="did you mean abeja_encoders?",
    ),
    "hook of no known name": Fault(
        plugin=PLUGIN.replace("abeja_encoders", "provide"),
        says=f"plugin-hook-unknown: {ACME} implements provide, which is not a hook.",
        hint="the hooks are abeja_abis, abeja_encoders",
    ),
    "hook without its mark": Fault(
        plugin=PLUGIN.replace("@hookimpl", ""),
        says=f"plugin-hook-unknown: {ACME} has a function abeja_encoders that is not marked",
        hint="put @hookimpl above it",
    ),
    "no hook": Fault(plugin="", says=f"plugin-hook-missing: {ACME} implements no hook", hint="abeja_encoders"),
    "name that is taken": Fault(
        other="encoder-msgpack",
        says="plugin-name-duplicate: the plugin name 'encoder-msgpack' is taken by "
        "acme-abeja-msgpack 1.2 and other-msgpack 3.0.",
        hint="remove one of them",
    ),
    "encoder that is provided twice": Fault(
        other="encoder-mp",
        says="plugin-conflict: the encoder 'msgpack' is provided by both encoder-mp (other-msgpack 3.0) "
        "and encoder-msgpack (acme-abeja-msgpack 1.2).",
        hint="block it with --block-plugin",
    ),
    "import of a name that is not there": Fault(
        plugin=PLUGIN.replace("import Encoder", "import Encodeur"),
        says=f"plugin-import-failed: {ACME} cannot be imported: ImportError: ",
        hint="reinstall or uninstall acme-abeja-msgpack",
    ),
    "import of a module that is not there": Fault(
        plugin=f"import msgpack_of_acme\n{PLUGIN}",
        says=f"plugin-import-failed: {ACME} cannot be imported: ModuleNotFoundError: No module named 'msgpack_of_acme'",
        hint="reinstall or uninstall acme-abeja-msgpack",
    ),
    "syntax": Fault(
        plugin=f"{PLUGIN}\nprint 'loaded'\n",
        says=f"plugin-import-failed: {ACME} cannot be imported: SyntaxError: ",
        hint="reinstall or uninstall acme-abeja-msgpack",
    ),
    "exit while it is imported": Fault(
        plugin="raise SystemExit(0)\n",
        says=f"plugin-import-failed: {ACME} cannot be imported: SystemExit: 0",
        hint="reinstall or uninstall acme-abeja-msgpack",
    ),
    "async generator": Fault(
        plugin=PLUGIN.replace("def abeja", "async def abeja"),
        says=f"plugin-hook-async: {ACME} implements abeja_encoders as a coroutine",
        hint="write `def` instead of `async def`",
    ),
    "coroutine": Fault(
        plugin=PLUGIN.replace("def abeja", "async def abeja").replace("    yield Encoder", "    return Encoder"),
        says=f"plugin-hook-async: {ACME} implements abeja_encoders as a coroutine",
        hint="write `def` instead of `async def`",
    ),
    "hook that raises": Fault(
        plugin=PLUGIN.replace("    yield Encoder", "    1 / 0\n    yield Encoder"),
        says=f"plugin-value-invalid: {ACME} raised in abeja_encoders: ZeroDivisionError: ",
        hint="report it to the authors of acme-abeja-msgpack",
    ),
}


@pytest.fixture
def install_faulty(install: Callable[..., None]) -> Callable[[Fault], None]:
    """Makes the distributions of a fault."""

    def make(fault: Fault) -> None:
        install("acme-abeja-msgpack", fault.plugin, entry_point="encoder-msgpack")
        if fault.other:
            install("other-msgpack", entry_point=fault.other, version="3.0")

    return make


def test_an_installed_plugin_is_used_and_listed_with_its_distribution(install: Callable[..., None], run: Run) -> None:
    install("acme-abeja-msgpack", entry_point="encoder-msgpack")

    done = run(*RUN_LOCAL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert "acme-abeja-msgpack 1.2" in run("plugins").stdout


@ASKING
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_plugin_that_cannot_be_used_is_named_when_it_is_asked_for(
    install_faulty: Callable[[Fault], None], run: Run, fault: Fault, asking: tuple[str, ...]
) -> None:
    install_faulty(fault)

    done = run(*asking)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: {fault.says}" in done.stderr
    assert fault.hint in done.stderr[done.stderr.index("Hint: ") :]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_plugin_that_cannot_be_used_is_listed(
    install_faulty: Callable[[Fault], None], run: Run, fault: Fault
) -> None:
    install_faulty(fault)

    listed, described = run("plugins"), json.loads(run("plugins", "--json").stdout)

    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"Problem: {fault.says}" in listed.stdout
    assert fault.hint in listed.stdout
    assert any(problem.startswith(fault.says) for problem in described["problems"])
    (acme,) = [plugin for plugin in described["plugins"] if plugin["distribution"] == "acme-abeja-msgpack"]
    assert (acme["name"], acme["version"]) == ("encoder-msgpack", "1.2")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_plugin_that_cannot_be_used_is_a_warning_when_nobody_asks_for_it(
    install_faulty: Callable[[Fault], None], run: Run, fault: Fault
) -> None:
    install_faulty(fault)

    done = run("run-local", "--image-version", "19.04", "--input", "request.json")

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1")
    assert f"WARNING: {fault.says}" in done.stderr


@ASKING
def test_a_worker_half_that_is_too_new_for_the_handlers_python_names_distribution_file_and_line(
    install: Callable[..., None], run: Run, python36: Path, asking: tuple[str, ...]
) -> None:
    install("acme-abeja-msgpack", worker=NEWER_WORKER, entry_point="encoder-msgpack")

    done = run(*asking, "--python", python36)

    assert (done.returncode, done.stdout) == (4, "")
    report = done.stderr[done.stderr.index("Error: ") :]
    assert "plugin-worker-failed: the worker module of encoder 'msgpack' (acme-abeja-msgpack 1.2, /" in report
    assert "does not load on Python 3.6." in report
    assert f"worker.py, line {NEWER_WORKER[: NEWER_WORKER.index(':=')].count(chr(10)) + 1}" in report


def test_that_worker_half_works_on_a_newer_python(install: Callable[..., None], run: Run) -> None:
    install("acme-abeja-msgpack", worker=NEWER_WORKER, entry_point="encoder-msgpack")

    assert run(*RUN_LOCAL).stdout == "1\n"


@ASKING
def test_a_worker_half_that_imports_the_servers_names_fails_on_every_python(
    install: Callable[..., None], run: Run, asking: tuple[str, ...]
) -> None:
    install("acme-abeja-msgpack", worker=f"import abeja.runtime\n{WORKER}", entry_point="encoder-msgpack")

    done = run(*asking)

    assert done.returncode == 4
    assert "plugin-worker-failed: the worker module of encoder 'msgpack' (acme-abeja-msgpack 1.2, /" in done.stderr
    assert "abeja.runtime" in done.stderr
