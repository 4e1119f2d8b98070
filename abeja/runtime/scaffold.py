"""Writes the files of a new model, and never over any that are there."""

import os
from collections.abc import Mapping
from pathlib import Path

from abeja.runtime.errors import ModelExistsError, OutputFailedError

# What installing a distribution makes of a template's Python files.
_NOT_FILES = "__pycache__"


def write_model(template: Path, folder: Path, *, more: Mapping[str, str] | None = None) -> list[Path]:
    """Copy the files of a template, with their subfolders.

    Args:
        template: the folder that has them.
        folder: the model's; made if it is not there.
        more: further files, as contents by name; those of the template win.

    Returns:
        What was written, sorted.

    Raises:
        ModelExistsError: one of the files is there; then nothing is written.
        OutputFailedError: a file cannot be written.
    """
    contents = {name: text.encode() for name, text in (more or {}).items()} | _contents(template)
    # Also a link to nothing is something that is there.
    present = sorted(name for name in contents if os.path.lexists(folder / name))
    if present:
        raise ModelExistsError(
            f"{folder} has {', '.join(present)} already; nothing was written.",
            hint="name another folder, or move these files.",
        )
    try:
        for name, data in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
    except OSError as error:
        raise OutputFailedError(f"the new model cannot be written to {folder}: {error}.") from error
    return sorted(folder / name for name in contents)


def _contents(template: Path) -> dict[str, bytes]:
    paths = [path for path in template.rglob("*") if path.is_file() and _NOT_FILES not in path.parts]
    return {str(path.relative_to(template)): path.read_bytes() for path in paths}
