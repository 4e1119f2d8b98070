"""text/csv from mappings and rows."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders() -> Iterator[Encoder]:
    """The encoder `csv`."""
    yield Encoder(name="csv", worker=Path(__file__).with_name("worker.py"), media_types=("text/csv",))
