"""Reads requirements files as pip does, and makes one list of lines of them.

Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_CONTINUED = re.compile(r"\\\r?\n")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?(?:$|[=<>!~;@(\s])", re.ASCII)
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_VERSION_CONTROL = re.compile(r"(?:git|hg|svn|bzr)\+")
_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|$)(.*)")

_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": "--index-url", "-f": "--find-links"}
_PASSED_ON = {"--index-url", "--extra-index-url", "--no-index", "--no-binary", "--only-binary"}


class Reader:
    """Collects the lines of a requirements file and of those that it refers to.

    Args:
        folder: the model's; paths of projects to install are relative to it.
        environ: values for ``${NAME}`` in names of files.

    Attributes:
        lines: without comments and continuations, with absolute paths.
        paths: all files and folders that were read or are to be installed.
        names: names of distributions that are asked for.
        has_requirements: whether anything is asked for at all.
        must_match_hashes: whether hashes are given, so that all need one.
        warnings: about options that have no effect.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.lines: list[str] = []
        self.paths: list[Path] = []
        self.names: set[str] = set()
        self.has_requirements = False
        self.must_match_hashes = False
        self.warnings: list[str] = []

    def read(self, path: Path) -> None:
        """Take up a requirements file.

        Raises:
            ValueError: it cannot be read, or refers to one that cannot.
        """
        if path in self.paths:
            return
        for line in self._logical_lines(path):
            try:
                if line.startswith("-"):
                    self._option(line, path)
                else:
                    self._requirement(line)
            except ValueError as error:
                raise ValueError(f"{error} (`{line}` in {path.name})") from error

    def _logical_lines(self, path: Path) -> Iterator[str]:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        self.paths.append(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8; save it as UTF-8") from None
        for line in _CONTINUED.sub(" ", text).splitlines():
            stripped = _COMMENT.sub("", line).strip()
            if stripped:
                yield stripped

    def _option(self, line: str, origin: Path) -> None:
        match = _OPTION.match(_attached(line))
        name, value = (_SHORT.get(match[1], match[1]), match[2].strip()) if match else (line, "")
        if name == "--requirement":
            self.read(self._file(value, origin))
        elif name == "--constraint":
            self._constraint(self._file(value, origin))
        elif name == "--editable":
            self._editable(value)
        elif name == "--find-links":
            self.lines.append(f"--find-links {self._place(value, origin)}")
        elif name == "--require-hashes":
            self.must_match_hashes = True
        elif name in _PASSED_ON:
            self.lines.append(f"{name} {value}".strip())
        else:
            self.warnings.append(f"{origin.name}: the option {name} has no effect here.")

    def _requirement(self, line: str) -> None:
        self.has_requirements = True
        self.must_match_hashes = self.must_match_hashes or "--hash" in line
        self._take_name(line)
        self.lines.append(self._with_absolute_path(line))

    def _editable(self, value: str) -> None:
        self.has_requirements = True
        self._take_name(value)
        if _VERSION_CONTROL.match(value):
            # Nobody edits a checkout in a cache: installed as it is.
            egg = _EGG.search(value)
            self.lines.append(f"{egg[1]} @ {value.partition('#')[0]}" if egg else value)
        else:
            self.lines.append(f"--editable {self._with_absolute_path(value)}")

    def _constraint(self, path: Path) -> None:
        inner = Reader(self._folder, self._environ)
        inner.read(path)
        self.paths += inner.paths
        self.lines.append(f"--constraint {path}")

    def _take_name(self, line: str) -> None:
        is_place = _is_path(line) or _URL.match(line) or _VERSION_CONTROL.match(line)
        match = _EGG.search(line) or (None if is_place else _NAME.match(line))
        if match is not None:
            self.names.add(match[1])

    def _with_absolute_path(self, line: str) -> str:
        if not _is_path(line):
            return line
        place, separator, rest = line.partition(" ")
        bare, bracket, extras = place.partition("[")
        path = (self._folder / bare.removeprefix("file:")).resolve()
        if not path.exists():
            raise ValueError(f"there is no file or folder {path} to install")
        self.paths.append(path)
        return f"{path}{bracket}{extras}{separator}{rest}"

    def _file(self, value: str, origin: Path) -> Path:
        words = shlex.split(_VARIABLE.sub(lambda match: self._environ.get(match[1], match[0]), value))
        if len(words) != 1 or _URL.match(words[0]):
            raise ValueError(f"{origin}: expected the name of a file on this machine, found '{value}'")
        return (origin.parent / words[0]).resolve()

    def _place(self, value: str, origin: Path) -> str:
        path = (origin.parent / value).resolve()
        return str(path) if not _URL.match(value) and path.exists() else value


def _attached(line: str) -> str:
    """``-rother.txt`` as ``-r other.txt``."""
    return f"{line[:2]} {line[2:]}" if line[:2] in _SHORT and line[2:3] not in ("", " ", "=", "\t") else line


def _is_path(line: str) -> bool:
    first = line.split(" ", 1)[0]
    is_archive = first.endswith((".whl", ".tar.gz", ".zip"))
    return (
        not _URL.match(line)
        and " @ " not in line
        and (first.startswith((".", "/", "file:")) or "/" in first or is_archive)
    )
