"""What all tests share: where the project is, and the installed command."""

import os
import sysconfig
from pathlib import Path

import pytest

from abeja.runtime.options import rows


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
    variables = {row.variable for row in rows().values()}
    own = {name: value for name, value in os.environ.items() if name not in variables}
    return {**own, "ABEJA_RUNTIME_ENV": "inherit"}
