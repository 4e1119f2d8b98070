"""docs/reference/errors.md describes every error, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from abeja.runtime.errors import LOAD_SLUGS, AbejaRuntimeError, HandlerLoadError, RequestError

SECTION = re.compile(r"^### ([a-z0-9-]+)\n\n\*(.+?)\*\n\n\S", re.MULTILINE)


@pytest.fixture
def described(repository: Path) -> dict[str, str]:
    """Slug -> the line that says how it ends, such as ``Exit code 2.``."""
    text = (repository / "docs/reference/errors.md").read_text()
    assert len(SECTION.findall(text)) == text.count("\n### ")
    return dict(SECTION.findall(text))


def test_every_error_is_described_with_its_exit_code_or_status(described: dict[str, str]) -> None:
    expected = {error.slug: f"Exit code {error.exit_code}." for error in _leaves() if error is not HandlerLoadError}
    expected |= dict.fromkeys(LOAD_SLUGS, f"Exit code {HandlerLoadError.exit_code}.")
    expected |= {error.slug: f"Status {error.status}." for error in _leaves() if issubclass(error, RequestError)}

    assert described == expected


def _leaves(error: type[AbejaRuntimeError] = AbejaRuntimeError) -> Iterator[type[AbejaRuntimeError]]:
    """The errors that are raised; those that have subclasses only gather them."""
    subclasses = error.__subclasses__()
    if not subclasses:
        yield error
    for subclass in subclasses:
        yield from _leaves(subclass)
