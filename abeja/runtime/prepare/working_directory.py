"""The folder that a handler runs in: the one that a folder ``.abeja`` marks."""

from pathlib import Path

_MARK = ".abeja"
# As the original: below the folder given, its children, and theirs, and theirs.
_DEPTH = 3


def working_directory(folder: Path) -> Path:
    """The folder nearest to `folder`, or itself, that has a subfolder ``.abeja``; `folder` if none has.

    Breadth first, down to three levels; on one level, the first in the directory's own order.
    """
    level = [folder]
    for depth in range(_DEPTH + 1):
        for candidate in level:
            if (candidate / _MARK).is_dir():
                return candidate
        if depth < _DEPTH:
            level = [child for parent in level for child in _children(parent)]
    return folder


def _children(parent: Path) -> list[Path]:
    try:
        return [child for child in parent.iterdir() if child.is_dir()]
    except OSError:
        return []
