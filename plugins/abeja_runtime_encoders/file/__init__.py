"""Bytes and file objects, sent as they are."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders() -> Iterator[Encoder]:
    """The encoder `file`."""
    yield Encoder(name="file", worker=Path(__file__).with_name("worker.py"), media_types=("*/*",))
