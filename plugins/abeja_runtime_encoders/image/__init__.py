"""image/* from PIL images and numpy arrays, by the Pillow or OpenCV of the model."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Encoder, hookimpl


@hookimpl
def abeja_encoders() -> Iterator[Encoder]:
    """The encoder `image`."""
    yield Encoder(
        name="image", worker=Path(__file__).with_name("worker.py"), media_types=("image/jpeg", "image/png", "image/*")
    )
