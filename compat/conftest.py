"""Fixtures that the tests of compatibility share."""

from pathlib import Path
from typing import Any

import pytest

from compat.original_environment import EnvironmentUnavailableError, environment

# A distribution of its own, with tests of its own that need it to be installed.
collect_ignore = ["third_party"]


@pytest.fixture(scope="module")
def selected(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The parameters of each test of this module that is going to run."""
    items = [item for item in request.session.items if item.getparent(pytest.Module) is request.node]
    return [item.callspec.params for item in items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]


@pytest.fixture(scope="session")
def original_environment() -> Path:
    """The virtual environment of the original; without one the test is skipped."""
    try:
        return environment()
    except EnvironmentUnavailableError as error:
        pytest.skip(str(error))
