"""``--plugin FILE``: a plugin that is not installed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

# Both halves in one file: the worker cannot import abeja.runtime.
BOTH_HALVES = """
import fractions

try:
    import abeja.runtime as server
except ImportError:
    server = None


class Encoder:
    def __init__(self, media_type):
        pass

    def claims(self, content):
        return False

    def accepts(self, value):
        return isinstance(value, fractions.Fraction)

    def encode(self, value, *, is_first):
        return [b'"%s"' % str(value).encode("ascii")]


if server:

    @server.hookimpl
    def abeja_encoders():
        yield server.Encoder(name="fraction", worker=__file__)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose image version asks for the encoder `fraction`, and a plugin that has it."""
    (tmp_path / "main.py").write_text(
        "from fractions import Fraction\n"
        "def handler(request, context):\n    return {'content_type': 'application/json', 'content': Fraction(1, 3)}\n"
    )
    (tmp_path / "request.json").write_text("{}")
    (tmp_path / "abeja-runtime.toml").write_text(
        '[model]\nimage_version = "x"\n[image."x"]\nabi = "19.04"\nencoders = ["fraction", "json"]\n'
    )
    (tmp_path / "fractions_plugin.py").write_text(BOTH_HALVES)
    return tmp_path


@pytest.fixture
def run(command: Path, environ: dict[str, str], folder: Path) -> Run:
    """Runs the command in the model's folder."""

    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *map(str, arguments)],
            cwd=folder,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


CALL = ("run-local", "--input", "request.json", "--quiet")


def test_one_file_is_both_halves(run: Run) -> None:
    done = run(*CALL, "--plugin", "./fractions_plugin.py")

    assert (done.returncode, done.stdout, done.stderr) == (0, '"1/3"\n', "")


def test_one_file_is_both_halves_on_the_oldest_python(run: Run, python36: Path) -> None:
    done = run(*CALL, "--plugin", "fractions_plugin.py", "--python", python36)

    assert (done.returncode, done.stdout) == (0, '"1/3"\n'), done.stderr


def test_the_worker_half_may_be_another_file(run: Run, folder: Path) -> None:
    (folder / "worker.py").write_text(BOTH_HALVES)
    (folder / "apart.py").write_text(
        "from pathlib import Path\nfrom abeja.runtime import Encoder, hookimpl\n\n@hookimpl\ndef abeja_encoders():\n"
        "    yield Encoder(name='fraction', worker=Path(__file__).with_name('worker.py'))\n"
    )

    assert run(*CALL, "--plugin", "apart.py").stdout == '"1/3"\n'


def test_the_variable_and_the_file_name_plugins_too(run: Run, folder: Path) -> None:
    assert run(*CALL, ABEJA_RUNTIME_PLUGIN="fractions_plugin.py").stdout == '"1/3"\n'

    with (folder / "abeja-runtime.toml").open("a") as file:
        file.write('[plugins]\nload = ["fractions_plugin.py"]\n')
    assert run(*CALL).stdout == '"1/3"\n'


def test_it_is_listed_with_its_path(run: Run, folder: Path) -> None:
    path = str(folder / "fractions_plugin.py")

    listed = run("plugins", "--plugin", "fractions_plugin.py").stdout.splitlines()
    described = json.loads(run("plugins", "--json", "--plugin", "fractions_plugin.py", "--plugin", path).stdout)

    (line,) = (line.split(maxsplit=3) for line in listed if path in line)
    assert line == ["fractions_plugin", path, "loaded", "encoder fraction"]
    (plugin,) = (plugin for plugin in described["plugins"] if plugin["file"])
    assert (plugin["name"], plugin["file"], plugin["distribution"], plugin["version"]) == (line[0], path, None, None)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("x = 1\n", "plugin-hook-missing: the plugin bad ({path}) implements no hook.", "abeja_encoders"),
        ("1 / 0\n", "plugin-import-failed: the plugin bad ({path}) cannot be imported: ZeroDivisionError", "the file"),
        ("def x(:\n", "plugin-import-failed: the plugin bad ({path}) cannot be imported: SyntaxError", "the file"),
        ("raise SystemExit(2)\n", "plugin-import-failed: the plugin bad ({path}) cannot be imported: SystemExit", ""),
        (
            "from abeja.runtime import hookimpl\n@hookimpl\ndef abeja_encoder():\n    yield\n",
            "plugin-hook-unknown: the plugin bad ({path}) implements abeja_encoder",
            "did you mean abeja_encoders?",
        ),
        (
            "from abeja.runtime import hookimpl\n@hookimpl\nasync def abeja_encoders():\n    yield\n",
            "plugin-hook-async: the plugin bad ({path})",
            "`def`",
        ),
        (None, "plugin-file-missing: there is no plugin file {path}.", "--plugin"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_command_whether_or_not_it_is_asked_for(
    run: Run, folder: Path, source: str | None, message: str, hint: str
) -> None:
    path = folder / "bad.py"
    if source is not None:
        path.write_text(source)

    done = run(*CALL, "--plugin", "fractions_plugin.py", "--plugin", "bad.py")
    listed = run("plugins", "--plugin", "bad.py")

    assert (done.returncode, done.stdout) == (2, "")
    for text in (done.stderr, listed.stdout):
        assert message.format(path=path) in text
        assert hint in text.partition("Hint: ")[2]
    assert listed.returncode == 0


def test_the_traceback_begins_in_the_file(run: Run, folder: Path) -> None:
    (folder / "bad.py").write_text("def half():\n    return 1 / 0\n\n\nhalf()\n")

    stderr = run(*CALL, "--plugin", "bad.py").stderr

    assert stderr.startswith(f'Traceback (most recent call last):\n  File "{folder / "bad.py"}", line 5')


def test_two_plugins_of_one_name_are_an_error_that_names_both(run: Run, folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "fractions_plugin.py").write_text(BOTH_HALVES)
    (folder / "another.py").write_text(BOTH_HALVES)
    (folder / "encoder-json.py").write_text(BOTH_HALVES)

    same_file_name = run(*CALL, "--plugin", "fractions_plugin.py", "--plugin", "other/fractions_plugin.py")
    same_as_installed = run(*CALL, "--plugin", "encoder-json.py")
    same_encoder = run(*CALL, "--plugin", "fractions_plugin.py", "--plugin", "another.py")

    assert {done.returncode for done in (same_file_name, same_as_installed, same_encoder)} == {2}
    assert "plugin-name-duplicate: the plugin name 'fractions_plugin' is taken by" in same_file_name.stderr
    assert "plugin-name-duplicate: the plugin name 'encoder-json' is taken by abeja-runtime" in same_as_installed.stderr
    assert "plugin-conflict: the encoder 'fraction' is provided by both" in same_encoder.stderr
    for name in ("other/fractions_plugin.py", "fractions_plugin.py"):
        assert str(folder / name) in same_file_name.stderr


def test_a_link_to_itself_is_named(run: Run, folder: Path) -> None:
    (folder / "loop.py").symlink_to("loop.py")

    done = run("run-local", "--input", "request.json", "--plugin", "loop.py")

    assert done.returncode == 2
    assert "plugin-file-missing" in done.stderr
