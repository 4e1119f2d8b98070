"""JSON, one document for each element, for every value that no other encoder takes."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders() -> Iterator[Encoder]:
    """The encoder `json`."""
    yield Encoder(name="json", worker=Path(__file__).with_name("worker.py"), media_types=("application/json",))
