"""A browser with the console of a server that a test starts."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import find
from tests.browser.devtools import DevTools
from tests.end_to_end.conftest import RunningServer


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; without one the test is skipped, but not where tests are run to be relied on."""
    executable = find()
    if executable is None and os.environ.get("CI"):
        pytest.fail("there is no Chromium, and it could not be installed: that needs apt-get and root")
    if executable is None:
        pytest.skip("there is no Chromium on this machine; `CHROMIUM` names one")
    return executable


@pytest.fixture
def start(command: Path, environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts a server on free ports and waits until it is ready."""
    started: list[RunningServer] = []

    def start_one(*arguments: object) -> RunningServer:
        server = RunningServer(
            command,
            "--image-version",
            "19.04",
            *map(str, arguments),
            environ={**environ, "TMPDIR": str(tmp_path)},
            log=tmp_path / f"server-{len(started)}.log",
        )
        started.append(server)
        return server.wait_until_ready()

    yield start_one
    for server in started:
        server.__exit__()


@pytest.fixture
def open_console(chromium: str, tmp_path: Path) -> Iterator[Callable[..., DevTools]]:
    """Opens the console of a server in a tab, and waits until it shows what is served."""
    profile = tmp_path / "profile"
    profile.mkdir()
    with DevTools(chromium, profile) as tab:

        def open_it(server: RunningServer, *, width: int = 1360, height: int = 900, scheme: str = "light") -> DevTools:
            tab.resize(width, height)
            tab.prefer(scheme)
            tab.open(f"http://127.0.0.1:{server.health_port}/console")
            tab.wait_for("document.getElementById('state').textContent === 'ready'")
            tab.wait_for("document.getElementById('curl').textContent !== ''")
            return tab

        yield open_it
        assert tab.messages == [], "the browser has complained"


@pytest.fixture(scope="session")
def handlers_19_04(repository: Path) -> Path:
    """The folder of fixture handlers for ABI 19.04."""
    return repository / "tests/handlers/19.04"
