"""Runs the examples of README.md, docs/ and the READMEs of examples/, and compares what they print.

Each page is one session of one shell, in a folder that has a copy of examples/. In the page:

- A ```console block is run: lines that begin with ``$ `` are commands (a backslash continues them),
  those below are what they print on stdout and stderr, where ``...`` stands for anything and the
  width of gaps does not count.
- ``<!-- file: NAME -->`` above a block writes the block to the file NAME instead.
- ``<!-- serves -->`` above a ```console block leaves its one command running until the end of the
  page. Ports 5000 and 5001 stand for the ports that it really has.
- ``<!-- not run: REASON -->`` above a ```console block leaves it out.
"""

import doctest
import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/*/*.md"))]

BLOCK = re.compile(r"(?:^<!-- (file|serves|not run)(?:: (.+?))? -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*(?:(?<=\\)\n.*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+) \(health on http://127\.0\.0\.1:(\d+)\)")
END = "--end-of-output--"


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
        folder = self.run("pwd").strip()
        environ = {**self._environ, "PORT": "0", "HEALTHCHECK_PORT": "0"}
        self._server = subprocess.Popen(
            ["/bin/bash", "-c", f"exec {command}"],
            cwd=folder,
            env=environ,
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
        """End the server, which must end well, and the shell."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            output, _ = self._server.communicate()
            assert self._server.returncode == 0, output
        self._shell.communicate()


@pytest.fixture
def session(tmp_path: Path, environ: dict[str, str]) -> Iterator[Session]:
    """A session that has the examples and the command."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join((sysconfig.get_path("scripts"), environ["PATH"]))
    # What a page installs is seen in its session and nowhere else.
    packages = tmp_path / "site-packages"
    # As at a terminal, where curl shows no progress of small answers.
    (tmp_path / ".curlrc").write_text("silent\n")
    session = Session(tmp_path, {**environ, "PATH": path, "PYTHONPATH": str(packages), "CURL_HOME": str(tmp_path)})
    session.run(f'pip() {{ command pip "$@" --no-deps --target {packages}; }}')
    yield session
    session.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_print_what_the_page_says(page: Path, session: Session, tmp_path: Path) -> None:
    text = page.read_text()
    if "$ curl" in text and not shutil.which("curl"):
        pytest.skip("curl is not installed")

    for directive, argument, language, block in BLOCK.findall(text):
        if directive == "file":
            (tmp_path / argument).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / argument).write_text(block)
        elif language == "console" and directive != "not run":
            commands = COMMAND.findall(block)
            assert commands
            for command, expected in commands:
                if directive == "serves":
                    printed = session.serve(command)
                else:
                    printed = session.run(session.with_real_ports(command))
                _compare(command, expected, printed)


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#[^)]*)?\)", page.read_text()):
            assert not target or (page.parent / target).exists(), f"{page}: {target}"


def _compare(command: str, expected: str, printed: str) -> None:
    checker = doctest.OutputChecker()
    is_same = checker.check_output(_comparable(expected), _comparable(printed), doctest.ELLIPSIS)
    assert is_same, f"$ {command}\nThe page says:\n{expected}\nIt prints:\n{printed}"


def _comparable(text: str) -> str:
    """Without a last newline, which curl leaves out, and without the padding of tables."""
    return re.sub(r"(?<=\S) {2,}", "  ", text.rstrip("\n"))
