"""The unit of docs/how-to/run-with-systemd.md, as systemd reads it."""

import configparser
import re
import shlex
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from abeja.runtime.errors import ConfigurationError, HandlerLoadError
from abeja.runtime.options import Options
from abeja.runtime.server import service

# What systemd calls OK; 10 is a unit that may do everything.
EXPOSURE = 2.5
# A handler whose imports take longer than it takes to ask.
SLOW = "import time\ntime.sleep(0.5)\n\n\ndef handler(request, context):\n    return {}\n"
# What the unit confines it to, as far as it can be had without systemd: a system that is only read, but for
# /var/tmp, no capabilities and no way to new ones, and files that nobody else can read.
CONFINED = """
set -e
mount --make-rprivate /
mount -t tmpfs none /var/tmp
mount -o remount,ro,bind /
umask 0077
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
# Of what the server does after it has drained: 1 s for last answers, 5 s for workers to end.
AFTER_DRAIN_S = 6


@pytest.fixture
def unit(repository: Path, blocks_of: Callable[[str], list[Any]]) -> str:
    """The unit's text."""
    page = (repository / "docs/how-to/run-with-systemd.md").read_text()
    (text,) = [block.text for block in blocks_of(page) if block.language == "ini"]
    return str(text)


@pytest.fixture
def service_of(unit: str) -> dict[str, str]:
    """The settings of its service; of several lines of one name the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.replace("\\\n", " "))
    return dict(parser["Service"])


@pytest.fixture
def analyse(unit: str, tmp_path: Path, command: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs systemd-analyze on the unit, with a program that exists; without systemd the test is skipped."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    file = tmp_path / "tax.service"
    file.write_text(unit.replace("/opt/abeja-runtime/bin/abeja-runtime", str(command)))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments, file], capture_output=True, text=True, check=False)

    return run


def test_systemd_finds_nothing_wrong(analyse: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = analyse("verify", "--man=no", "--recursive-errors=no")

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_unit_may_do_little(analyse: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = analyse("security", "--offline=true", "--no-pager")

    rating = re.search(r"Overall exposure level for tax\.service: ([\d.]+)", done.stdout)
    assert rating, done.stdout + done.stderr
    assert float(rating[1]) < EXPOSURE


def test_time_limits_fit_those_of_the_server(service_of: dict[str, str]) -> None:
    retries = re.search(r"--retry (\d+) --retry-delay 1 ", service_of["ExecStartPost"])

    assert float(service_of["TimeoutStopSec"]) > service._DRAIN_S + AFTER_DRAIN_S
    assert retries
    assert int(retries[1]) >= Options().startup_timeout
    assert float(service_of["TimeoutStartSec"]) > int(retries[1])


def test_unit_is_active_when_a_request_can_be_served(
    service_of: dict[str, str], command: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    words = shlex.split(service_of["ExecStartPost"])
    if shutil.which(words[0]) is None:
        pytest.skip("curl is not installed")
    (tmp_path / "main.py").write_text(SLOW)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    # Asked already before anything listens.
    words = [word.replace(":5001", f":{port}") for word in words]
    waiting = subprocess.Popen(words, stderr=subprocess.PIPE)
    arguments = ["--image-version", "latest", "--port", "0", "--health-port", port]
    server = subprocess.Popen([command, *arguments], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        assert waiting.wait() == 0
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200
    finally:
        waiting.kill()
        waiting.communicate()
        server.terminate()
        server.communicate()
    assert server.returncode == 0


def test_server_and_workers_do_with_what_the_unit_leaves_them(
    command: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user cannot confine a process")
    (tmp_path / "main.py").write_text("import os\n\n\ndef handler(request, context):\n    os._exit(1)\n")
    environ = {**environ, "TMPDIR": "/var/tmp", "HOME": "/var/tmp", "XDG_CACHE_HOME": "/var/tmp/cache"}  # noqa: S108
    program = [str(command), "--image-version", "latest", "--port", "0", "--health-port", "0"]
    server = subprocess.Popen(
        [unshare, "--mount", "sh", "-c", CONFINED, "sh", *program],
        cwd=tmp_path,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        log = _until(server.stderr, "INFO: ready")
        port = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log)
        assert port, log
        # A large body is spooled, and the worker that dies of it is replaced.
        with pytest.raises(urllib.error.HTTPError, match="502"):
            urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/", data=b"x" * 300_000)
        _until(server.stderr, "INFO: Loading user model handler")
    finally:
        server.terminate()
        server.communicate()
    assert server.returncode == 0


def _until(lines: IO[str], text: str) -> str:
    """What is read up to the line that has `text`."""
    found = ""
    while text not in found:
        line = lines.readline()
        assert line, found
        found += line
    return found


def test_signals_are_those_of_the_server(service_of: dict[str, str]) -> None:
    assert service_of["KillSignal"] == "SIGTERM"
    assert service_of["KillMode"] == "mixed"
    assert "-HUP" in service_of["ExecReload"]


def test_exit_codes_that_another_start_does_not_change_prevent_it(service_of: dict[str, str]) -> None:
    expected = {ConfigurationError.exit_code, HandlerLoadError.exit_code}

    assert set(map(int, service_of["RestartPreventExitStatus"].split())) == expected
