"""Completion, asked as the scripts of the shells ask, and in the shells that this machine has."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Complete = Callable[..., list[str]]

MODULE = '''
"""Nothing of it is run."""
raise SystemExit("it was imported")


def helper(value):
    """Help a handler. In more words."""


async def handler(request, context):
    """Answer."""


def _private():
    pass


class Model:
    def method(self):
        pass
'''
# bash's own.
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with modules."""
    (tmp_path / "main.py").write_text(MODULE)
    (tmp_path / "other.py").write_text("def predict(request, context): ...\n")
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "test_main.py").write_text("def test_it(): ...\n")
    (tmp_path / "abeja-runtime.toml").write_text('[image.house]\nbase = "19.04"\n')
    return tmp_path


@pytest.fixture
def complete(command: Path, environ: dict[str, str], model: Path) -> Complete:
    """What there is for a line, in the model's folder: ``complete("--image-version 19")``."""

    def ask(typed: str, *, asker: str = "fish", breaks: str = BREAKS) -> list[str]:
        line = f"abeja-runtime {typed}"
        if asker != "bash":
            line = "".join(f"{word}\n" for word in line.split(" "))
        done = subprocess.run(
            [command],
            cwd=model,
            env={**environ, "_ABEJA_RUNTIME_COMPLETE": asker, "COMP_LINE": line, "COMP_WORDBREAKS": breaks},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    return ask


def test_commands_are_completed_with_what_they_do(complete: Complete) -> None:
    assert complete("insta") == [
        "install\tInstall what a handler needs, so that it starts without delay and without network"
    ]
    assert {"serve", "run-local", "model"} <= {line.split("\t")[0] for line in complete("")}
    assert complete("env pr")[0].startswith("prune\t")


def test_options_of_the_default_command_are_completed_without_it(complete: Complete) -> None:
    names = [line.split("\t")[0] for line in complete("--")]

    assert {"--help", "--version", "--handler", "--workers"} <= set(names)
    assert len(names) == len(set(names))


def test_image_versions_are_those_of_the_folder_too(complete: Complete) -> None:
    assert "19.04\tABI 19.04, Python 3.6" in complete("--image-version 19")
    assert complete("serve --image-version hou") == ["house\tABI 19.04, Python 3.6"]
    assert complete("--image abeja/all-gpu:18") == ["abeja/all-gpu:18.10\tABI 18.10, Python 3.6"]


def test_handlers_are_read_and_not_run(complete: Complete) -> None:
    assert complete("--handler ") == ["main:handler\tAnswer", "main:helper\tHelp a handler", "other:predict"]
    assert complete("run-local -h oth") == ["other:predict"]


def test_handlers_are_those_of_the_named_folder(complete: Complete, model: Path) -> None:
    (model / "sub").mkdir()
    (model / "sub" / "app.py").write_text("def run(event, context): ...\n")

    assert complete("--model-dir sub --handler ") == ["app:run"]
    assert complete("--model-dir nowhere --handler ") == []


def test_words_and_pythons_are_completed(complete: Complete) -> None:
    assert complete("--http ") == ["llhttp", "tornado"]
    assert complete("--env i") == ["inherit", "dir"]
    assert all(line.startswith("3.1") for line in complete("--python 3.1"))
    assert complete("--python 3.")
    assert complete("completion z") == ["zsh"]
    assert complete("init --abi 1") == ["18.10", "19.04"]


def test_paths_are_left_to_the_shell(complete: Complete) -> None:
    assert complete("run-local --input ") == ["file"]
    assert complete("--model-dir ") == ["dir"]


def test_a_configuration_that_cannot_be_read_is_no_error_while_typing(complete: Complete, model: Path) -> None:
    (model / "abeja-runtime.toml").write_text("[broken\n")

    assert complete("--image-version ") == []


@pytest.mark.parametrize(
    ("typed", "breaks", "expected"),
    [
        ("--handler main:ha", BREAKS, ["handler"]),
        ("--handler main:ha", " ", ["main:handler"]),
        ("--http=ll", BREAKS, ["llhttp"]),
        ("--http=ll", " ", ["--http=llhttp"]),
        ("-e 'A:b c' --http ll", BREAKS, ["llhttp"]),
        ("--handler 'oth", BREAKS, ["other:predict"]),
    ],
)
def test_bash_gets_what_stands_behind_its_last_break(
    complete: Complete, typed: str, breaks: str, expected: list[str]
) -> None:
    assert complete(typed, asker="bash", breaks=breaks) == expected


def test_zsh_gets_colons_that_are_no_ends(complete: Complete) -> None:
    assert complete("--handler main:ha", asker="zsh") == ["main\\:handler:Answer"]


def test_bash_completes_at_the_key(shell_environ: dict[str, str], model: Path) -> None:
    script = (
        'eval "$(abeja-runtime completion bash)"; COMP_LINE="abeja-runtime -h other:"; COMP_POINT=${#COMP_LINE}; '
        '_abeja_runtime abeja-runtime; echo "${COMPREPLY[@]}"; complete -p abeja-runtime'
    )

    done = _run(["bash", "--norc", "-c", script], shell_environ, model)

    assert done == "predict\ncomplete -o nosort -F _abeja_runtime abeja-runtime\n"


def test_fish_completes_at_the_key(shell_environ: dict[str, str], model: Path) -> None:
    _require("fish")
    script = "abeja-runtime completion fish | source; complete -C 'abeja-runtime run-local --handler main:ha'"

    assert _run(["fish", "--no-config", "-c", script], shell_environ, model) == "main:handler\tAnswer\n"


def test_zsh_completes_at_the_key(shell_environ: dict[str, str], model: Path) -> None:
    _require("zsh")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(model)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**shell_environ, "TERM": "dumb", "PS1": "> "})  # noqa: S606, S607
    try:
        _type(
            terminal, 'autoload -Uz compinit && compinit -u -D; eval "$(abeja-runtime completion zsh)"; echo re""ady\n'
        )
        _read_until(terminal, "ready")
        _type(terminal, "abeja-runtime run-local --handler main:ha\t")
        _read_until(terminal, "--handler main:handler")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


@pytest.fixture
def shell_environ(command: Path, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """With the command on the PATH, and a home without settings."""
    path = os.pathsep.join((str(command.parent), environ["PATH"]))
    return {**environ, "PATH": path, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def _require(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def _run(arguments: list[str], environ: dict[str, str], folder: Path) -> str:
    return subprocess.run(arguments, env=environ, cwd=folder, capture_output=True, text=True, check=True).stdout


def _type(terminal: int, keys: str) -> None:
    os.write(terminal, keys.encode())


def _read_until(terminal: int, expected: str, *, limit_s: float = 20) -> None:
    shown, end = "", time.monotonic() + limit_s
    while expected not in shown:
        readable, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert readable, f"waited for {expected!r} in {shown!r}"
        shown += os.read(terminal, 65536).decode(errors="replace")
