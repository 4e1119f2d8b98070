"""What `--input` names: files, folders, patterns and stdin, listed one after the other."""

import glob
import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.json_lines import is_json_lines, lines_of_file, lines_of_stdin
from abeja.runtime.errors import InputInvalidError

STDIN = "-"


@frozen(kw_only=True)
class _Found:
    """A file.

    Attributes:
        path: absolute.
        name: relative to the folder that all inputs share.
        label: the name, as a rule without its extension; see `Item`.
    """

    path: str
    name: str
    label: str


@frozen(kw_only=True)
class _Root:
    """One `--input`.

    Attributes:
        folder: absolute, without symbolic links; what it names is below.
        names: of the files, relative to the folder; None for all that are in it, at any depth.
    """

    folder: str
    names: tuple[str, ...] | None = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "_Root":
        """What one `--input` names.

        Raises:
            InputInvalidError: nothing.
        """
        path = Path(text)
        if path.is_dir():
            return cls(folder=os.path.realpath(text), names=None)
        if path.is_file():
            return cls(folder=os.path.realpath(path.parent), names=(path.name,))
        if os.path.lexists(text) or not glob.has_magic(text):
            found = "is neither a file nor a folder" if path.exists() else "does not exist"
            raise InputInvalidError(f"the input {text} {found}.", hint="--input names a file, a folder, or a pattern.")
        head, tail = text, ""
        while glob.has_magic(head):
            head, part = os.path.split(head)
            tail = os.path.join(part, tail) if tail else part  # noqa: PTH118 (a pattern, no path)
        folder = os.path.realpath(head or os.curdir)
        matches = glob.iglob(tail, root_dir=folder, recursive=True)  # noqa: PTH207 (root_dir)
        names = tuple(sorted({name for name in matches if _is_input(Path(folder, name))}))
        if not names:
            raise InputInvalidError(f"no file matches the input {text}.", hint="`**/` stands for folders of any depth.")
        return cls(folder=folder, names=names)

    def covers(self, path: str) -> bool:
        """Whether `path` is one of its files."""
        if not path.startswith(self._prefix):
            return False
        # Sorted, and perhaps many.
        return self.names is None or _has(self.names, path[len(self._prefix) :])

    def files(self, left_out: Collection[str]) -> Iterator[_Found]:
        """Its files in the order of their names, folder by folder."""
        if self.names is None:
            yield from _in_folder(self.folder, "", left_out)
            return
        siblings: dict[str, list[str]] = {}
        for name in self.names:
            head, tail = os.path.split(name)
            siblings.setdefault(head, []).append(tail)
        for name in self.names:
            head, tail = os.path.split(name)
            path = f"{self._prefix}{name}"
            if path not in left_out:
                label = os.path.join(head, _label(tail, siblings[head]))  # noqa: PTH118 (no path yet)
                yield _Found(path=path, name=name, label=label)

    @property
    def _prefix(self) -> str:
        return self.folder if self.folder == os.sep else f"{self.folder}{os.sep}"


class Inputs:
    """The inputs of a run, in their order; iterating lists them anew.

    None among them means that the next one has not come yet.

    Args:
        texts: the values of `--input`, in their order.
        left_out: files and folders that are no inputs although they may be in an input folder, because the run
            writes them.
        is_stopped: whether the run was stopped: a wait for stdin ends then.

    Raises:
        InputInvalidError: something does not exist.
    """

    def __init__(
        self, texts: Sequence[str], *, left_out: Collection[Path] = (), is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        if STDIN in texts and len(texts) > 1:
            raise InputInvalidError("stdin and other inputs are given.", hint="--input - stands alone.")
        self._is_stdin = STDIN in texts
        self._roots = [] if self._is_stdin else [_Root.parse(text) for text in texts]
        self._left_out = frozenset(os.path.realpath(path) for path in left_out)
        self._is_stopped = is_stopped
        folders = [root.folder for root in self._roots]
        self._common = os.path.commonpath(folders) if folders else ""

    def __iter__(self) -> Iterator[Item | None]:
        number = 0
        for item in self._of_stdin() if self._is_stdin else self._of_files():
            yield None if item is None else evolve(item, number=number)
            number += item is not None

    def count(self) -> int | None:
        """How many there are; None if only their end will tell, or if it was stopped before that was clear."""
        if self._is_stdin:
            return None
        count = 0
        for file in self._files():
            if self._is_stopped():
                return None
            count += sum(1 for _ in lines_of_file(Path(file.path))) if is_json_lines(file.name) else 1
        return count

    def _of_stdin(self) -> Iterator[Item | None]:
        for found in lines_of_stdin(self._is_stopped):
            yield None if found is None else _line("-", "stdin", *found)

    def _of_files(self) -> Iterator[Item]:
        for file in self._files():
            if is_json_lines(file.name):
                for number, line in lines_of_file(Path(file.path)):
                    yield _line(file.name, file.name, number, line)
            else:
                yield Item(number=0, name=file.name, label=file.label, content=Path(file.path))

    def _files(self) -> Iterator[_Found]:
        if len(self._roots) == 1:
            yield from self._roots[0].files(self._left_out)
            return
        for index, root in enumerate(self._roots):
            for file in root.files(self._left_out):
                if not any(earlier.covers(file.path) for earlier in self._roots[:index]):
                    name = os.path.relpath(file.path, self._common)
                    # Which names others have beside it, only all of the listings together would tell.
                    yield _Found(path=file.path, name=name, label=name)


def _line(name: str, folder: str, number: int, line: bytes) -> Item:
    # In a folder of the whole name, so that no other input's result can be there.
    return Item(number=0, name=f"{name}:{number}", label=f"{folder}/{number:06}", content=line)


def _in_folder(folder: str, prefix: str, left_out: Collection[str]) -> Iterator[_Found]:
    try:
        with os.scandir(folder) as listing:
            visible = [entry for entry in listing if not entry.name.startswith(".")]
    except OSError as error:
        raise InputInvalidError(f"the folder {folder} cannot be listed: {error.strerror}.") from error
    visible.sort(key=lambda entry: entry.name)
    names = [entry.name for entry in visible]
    for entry in visible:
        if entry.path in left_out:
            continue
        name = f"{prefix}{entry.name}"
        # Links to folders are not followed: they may lead in a circle.
        if entry.is_dir(follow_symlinks=False):
            yield from _in_folder(entry.path, f"{name}/", left_out)
        elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _is_input(entry.path)):
            yield _Found(path=entry.path, name=name, label=f"{prefix}{_label(entry.name, names)}")


def _is_input(path: str | Path) -> bool:
    """Whether it is a file, or a link to nothing or to what nobody may see: a file that cannot be read."""
    # Those of pathlib raise where a link leads into a folder that is closed.
    return os.path.isfile(path) or not os.path.exists(path)  # noqa: PTH110, PTH113 (see above)


def _label(name: str, siblings: Sequence[str]) -> str:
    """The name without its extension, unless what is left could also begin the result of a sibling.

    Args:
        name: of a file.
        siblings: the sorted names of all that is in its folder, itself included.
    """
    stem, extension = os.path.splitext(name)  # noqa: PTH122 (a name)
    # "/" follows "." in the order of characters, and is in no name.
    begin = bisect_left(siblings, f"{stem}.")
    alike = bisect_left(siblings, f"{stem}/") - begin
    return name if alike > 1 or (extension and _has(siblings, stem)) else stem


def _has(names: Sequence[str], name: str) -> bool:
    """Whether `name` is among sorted names."""
    at = bisect_left(names, name)
    return at < len(names) and names[at] == name
