"""The corpus of requests, well-formed and not, through fronts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer
from tests.faults.test_requests import CASES, check


@pytest.fixture(scope="module")
def echoing(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that says what it got."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ("--image-version", "19.04", "--model-dir", str(handlers / "echo"), "--max-body", "10M")
    with RunningServer(command, *arguments, environ={**environ, "TMPDIR": str(folder)}, log=folder / "log") as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_request(echoing: RunningServer, path: Path) -> None:
    check(echoing, "llhttp", path)
