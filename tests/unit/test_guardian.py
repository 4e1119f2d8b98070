"""The process that cleans up behind a server."""

import subprocess
import sys
from pathlib import Path

import pytest

from abeja.runtime.pool import guardian_main


@pytest.mark.parametrize("says_farewell", [True, False])
def test_it_removes_the_spool_of_a_server_that_has_not_said_farewell(tmp_path: Path, *, says_farewell: bool) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    command = [sys.executable, "-I", "-S", guardian_main.__file__, str(spool)]
    lines = guardian_main.END if says_farewell else ""

    # It forks: what has ended says nothing of its child, but the child keeps the pipe until it has ended too.
    ended = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)

    assert ended.stdout == b""
    assert spool.exists() == says_farewell
