"""MessagePack, for answers whose content type asks for it."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders() -> Iterator[Encoder]:
    """The encoder `msgpack`."""
    yield Encoder(name="msgpack", worker=Path(__file__).with_name("worker.py"))
