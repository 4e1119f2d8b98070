"""A handler's folder on disk, with room for temporary files beside it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from compat.pairs import Pair


@frozen
class ModelFolder:
    """Where one worker lives.

    Attributes:
        root: a short path, as the addresses of Unix sockets are limited to 107 bytes.
    """

    root: Path

    @property
    def model(self) -> Path:
        """The folder with main.py; the worker's current folder."""
        return self.root / "model"

    @property
    def temporary(self) -> Path:
        """For TMPDIR and for bodies."""
        return self.root / "tmp"

    @property
    def log(self) -> Path:
        """What the worker writes to its standard streams."""
        return self.root / "log"


@contextmanager
def model_folder(pair: Pair) -> Iterator[ModelFolder]:
    """The folder of `pair`, removed at the end with whatever a worker left in it."""
    with tempfile.TemporaryDirectory(prefix="compat-") as root:
        folder = ModelFolder(Path(root))
        folder.model.mkdir()
        folder.temporary.mkdir()
        (folder.model / "main.py").write_text(pair.handler, encoding="utf-8")
        for name, data in pair.files.items():
            path = folder.model / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        yield folder
