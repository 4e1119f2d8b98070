"""Runs the examples of README.md, docs/ and the READMEs of examples/, and compares what they print.

Each page is one session of one shell, in a folder that has a copy of examples/. In the page:

- A ```console block is run: lines that begin with ``$ `` are commands (a backslash continues them),
  those below are what they print on stdout and stderr, where ``...`` stands for anything and the
  width of gaps does not count.
- ``<!-- file: NAME -->`` above a block writes the block to the file NAME instead.
- ``<!-- serves -->`` above a ```console block leaves its one command running until the end of the
  page, or until the next block that serves. Ports 5000 and 5001 stand for the ports that it really has.
- ``<!-- not run: REASON -->`` above a block leaves it out.
- ``<!-- from nothing -->`` in a page makes it that of a newcomer: abeja-runtime is not installed, no
  option is set, there are no examples, and the folder abeja-runtime has a checkout.
- ``<!-- needs Python 3.6 -->`` in a page leaves it out where that Python is missing.

test_pages.py says what a page may have besides.
"""

import doctest
import os
import re
import shlex
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = re.compile(r"^\$ (.*(?:(?<=\\)\n.*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\)")
END = "--end-of-output--"
FROM_NOTHING = "<!-- from nothing -->\n"
NEEDS = re.compile(r"^<!-- needs Python (3\.\d+) -->$", re.MULTILINE)


class Session:
    """A shell, as a reader of a page has it.

    Args:
        folder: where it starts.
        environ: its environment.
    """

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._server: subprocess.Popen[str] | None = None
        self._ports: dict[str, str] = {}
        self._shell = subprocess.Popen(
            ["/bin/bash", "--norc"],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """What a command prints."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null; status=$?; printf '%s\\n' '{END}'; (exit $status)\n")
        self._shell.stdin.flush()
        lines = []
        while not (line := self._shell.stdout.readline()).endswith(f"{END}\n"):
            assert line, f"the shell ended in: {command}"
            lines.append(line)
        return "".join(lines) + line.removesuffix(f"{END}\n")

    def serve(self, command: str) -> str:
        """Start a server; what it prints until it is ready, with the ports that the page says."""
        self._stop()
        folder = self.run("pwd").strip()
        # With the variables of the shell, which a page may have changed.
        variables = shlex.quote(str(self._folder / ".variables"))
        self.run(f"declare -px > {variables}")
        self._server = subprocess.Popen(
            ["/bin/bash", "-c", f". {variables}; export PORT=0 HEALTHCHECK_PORT=0; exec {command}"],
            cwd=folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._server.stdout is not None
        output = ""
        while "INFO: ready: " not in output:
            line = self._server.stdout.readline()
            assert line, f"the server ended: {output}"
            output += line
        ports = LISTENING.search(output)
        assert ports, output
        self._ports = {"5000": ports[1], "5001": ports[2]}
        return output.replace(f":{ports[1]}", ":5000").replace(f":{ports[2]}", ":5001")

    def with_real_ports(self, command: str) -> str:
        """A command of the page, for the server that runs."""
        return re.sub(r"(?<=:)(500[01])\b", lambda match: self._ports.get(match[1], match[1]), command)

    def close(self) -> None:
        """End the server and the shell."""
        try:
            self._stop()
        finally:
            self._shell.communicate()

    def _stop(self) -> None:
        """End the server, which must end well."""
        if self._server is not None:
            server, self._server = self._server, None
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate()
            assert server.returncode == 0, output


@pytest.fixture
def session(page: Path, repository: Path, tmp_path: Path, environ: dict[str, str]) -> Iterator[Session]:
    """A session that has the examples and the command; or those of a newcomer, who has neither."""
    # As at a terminal, where curl shows no progress of small answers.
    (tmp_path / ".curlrc").write_text("silent\n")
    environ = {**environ, "CURL_HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if FROM_NOTHING in page.read_text():
        _check_out(repository, tmp_path / "abeja-runtime")
        del environ["ABEJA_RUNTIME_ENV"]
        # One more than the page's: what pip warns of is the machine's and not the page's.
        session = Session(tmp_path, {**environ, "PIP_QUIET": "1"})
    else:
        shutil.copytree(repository / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        path = os.pathsep.join((sysconfig.get_path("scripts"), environ["PATH"]))
        # What a page installs is seen in its session and nowhere else.
        packages = tmp_path / "site-packages"
        session = Session(tmp_path, {**environ, "PATH": path, "PYTHONPATH": str(packages)})
        session.run(f'pip() {{ command pip "$@" --no-deps --target {packages}; }}')
    yield session
    session.close()


def test_examples_print_what_the_page_says(
    page: Path,
    session: Session,
    tmp_path: Path,
    blocks_of: Callable[[str], list[Any]],
    python_of: Callable[[str], Path],
) -> None:
    text = page.read_text()
    for version in NEEDS.findall(text):
        python_of(version)
    if "$ curl" in text and not shutil.which("curl"):
        pytest.skip("curl is not installed")

    for block in blocks_of(text):
        if block.directive == "file":
            (tmp_path / block.argument).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.argument).write_text(block.text)
        elif block.language == "console" and block.directive != "not run":
            commands = COMMAND.findall(block.text)
            assert commands
            for command, expected in commands:
                if block.directive == "serves":
                    printed = session.serve(command)
                else:
                    printed = session.run(session.with_real_ports(command))
                _compare(command, expected, printed)


def _check_out(repository: Path, folder: Path) -> None:
    """What is needed to install from a checkout; installing leaves files in it."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, folder)
    for name in ("abeja", "plugins"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def _compare(command: str, expected: str, printed: str) -> None:
    checker = doctest.OutputChecker()
    is_same = checker.check_output(_comparable(expected), _comparable(printed), doctest.ELLIPSIS)
    assert is_same, f"$ {command}\nThe page says:\n{expected}\nIt prints:\n{printed}"


def _comparable(text: str) -> str:
    """Without a last newline, which curl leaves out, and without the padding of tables."""
    return re.sub(r"(?<=\S) {2,}", "  ", text.rstrip("\n"))
