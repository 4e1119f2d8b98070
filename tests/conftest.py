"""What all tests share: where the project is, and the installed command."""

import logging
import os
import signal
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abeja.runtime import logs
from abeja.runtime.options import rows


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that a test runs in this process configures the log, which is nothing for the tests after it."""
    for name in (logs.NAME, "tornado", "asyncio"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "handlers", [])
        monkeypatch.setattr(logger, "propagate", True)


@pytest.fixture(autouse=True, scope="session")
def _own_signals() -> Iterator[None]:
    """Whoever runs the tests may ignore SIGHUP, as nohup does, or SIGINT, as a shell does for what runs behind it.

    What the tests start would ignore them too.
    """
    inherited = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if inherited[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in inherited.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The project's folder."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def command() -> Path:
    """The installed `abeja-runtime`."""
    return Path(sysconfig.get_path("scripts"), "abeja-runtime")


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """The environment without the variables that are options, and handlers on this Python: nothing is installed."""
    variables = {row.variable for row in rows().values()} | {"PYTEST_ADDOPTS"}
    own = {name: value for name, value in os.environ.items() if name not in variables}
    # As at a terminal, which the pipes of tests are not.
    return {**own, "ABEJA_RUNTIME_ENV": "inherit", "ABEJA_RUNTIME_LOG_FORMAT": "text"}


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], Path]:
    """The interpreter of a version such as 3.6; without one the test is skipped."""
    roots = {Path(root).expanduser() for root in (os.environ.get("PYENV_ROOT") or "~/.pyenv", "~/.pyenv")}

    def find(version: str) -> Path:
        found = sorted(python for root in roots for python in root.glob(f"versions/{version}.*/bin/python{version}"))
        if not found:
            pytest.skip(f"Python {version} is not on this machine")
        return found[-1]

    return find


@pytest.fixture(scope="session")
def python36(python_of: Callable[[str], Path]) -> Path:
    """A Python 3.6, the oldest that handlers run on."""
    return python_of("3.6")
