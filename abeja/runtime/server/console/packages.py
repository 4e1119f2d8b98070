"""The packages that a handler can import, read from the folders of its Python; nothing of them is imported."""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from abeja.runtime.model import Model

_PROBE = "import json, sys; print(json.dumps([path for path in sys.path if path]))"
# An interpreter answers within a fraction of a second, if it answers.
_PROBE_S = 10.0
# Those who look again see what `pip install` did meanwhile, but nobody starts an interpreter for each look.
_KEPT_S = 10.0
# Name and Version are among the first lines; a description of a MiB may follow.
_HEAD_BYTES = 8 * 1024
_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}


@frozen(order=True)
class Package:
    """An installed distribution.

    Attributes:
        name: as it spells itself.
        version: see there.
    """

    name: str
    version: str


class Packages:
    """The packages of a model's Python.

    Args:
        model: what says which Python, in which environment and folder.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = asyncio.Lock()
        self._read_s = 0.0
        self._packages: tuple[Package, ...] | None = None

    async def read(self) -> tuple[Package, ...] | None:
        """By name; None if the Python does not say where it looks for them."""
        async with self._lock:
            if not self._read_s or time.monotonic() - self._read_s > _KEPT_S:
                folders = await self._folders()
                self._packages = None if folders is None else await asyncio.to_thread(installed, folders)
                self._read_s = time.monotonic()
            return self._packages

    async def _folders(self) -> list[Path] | None:
        """The sys.path that the worker has too, with what ``PYTHONPATH`` and .pth files add to it."""
        model = self._model
        try:
            process = await asyncio.create_subprocess_exec(
                model.python,
                "-c",
                _PROBE,
                cwd=model.folder,
                env=model.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return None
        try:
            output, _ = await asyncio.wait_for(process.communicate(), _PROBE_S)
            return [Path(path) for path in json.loads(output)]
        except (TimeoutError, ValueError):
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def installed(folders: Iterable[Path]) -> tuple[Package, ...]:
    """The distributions in `folders`, by name; of two of one name the first, which is the one that Python imports."""
    found: dict[str, Package] = {}
    for folder in folders:
        for package in _in_folder(folder):
            found.setdefault(re.sub(r"[-_.]+", "-", package.name).lower(), package)
    return tuple(package for _, package in sorted(found.items()))


def _in_folder(folder: Path) -> Iterator[Package]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # it does not exist, or is a zip file
        return
    for entry in entries:
        if entry.suffix in _METADATA:
            package = _of_metadata(entry)
            if package is not None:
                yield package


def _of_metadata(entry: Path) -> Package | None:
    path = entry / _METADATA[entry.suffix] if entry.is_dir() else entry
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    fields = dict(reversed(_FIELD.findall(head)))
    return Package(fields["Name"], fields["Version"]) if fields.keys() == {"Name", "Version"} else None
