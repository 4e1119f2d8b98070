"""A folder for runs over many inputs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.batches import Batch, batch_in


@pytest.fixture
def batch(command: Path, environ: dict[str, str], handlers: Path, tmp_path: Path) -> Iterator[Batch]:
    """An empty batch for the handler `batch`."""
    yield from batch_in(tmp_path, command=command, handler=handlers / "batch", environ=environ)
