"""One package of a Pipfile or of its lock, as a line of a requirements.txt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

# https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
_MARKERS = (
    "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
    "platform_system", "platform_version", "python_version", "python_full_version", "implementation_name",
    "implementation_version",
)  # fmt: skip
_VERSION_CONTROL = ("git", "hg", "svn", "bzr")


@frozen
class Entry:
    """A package.

    Attributes:
        line: for a requirements.txt.
        path: the project's folder or file on this machine; None if it comes from elsewhere.
    """

    line: str
    path: Path | None = None


def entry_line(name: str, entry: object, folder: Path) -> Entry:
    """The line for `name`.

    Args:
        name: of the distribution.
        entry: a version specifier, or a table.
        folder: from which paths start.

    Raises:
        ValueError: the entry cannot be understood.
    """
    if isinstance(entry, str):
        return Entry(name + _specifier(entry))
    if not isinstance(entry, Mapping):
        raise ValueError(f"the package {name}: expected a version or a table, found {entry!r}")  # noqa: TRY004 (see __init__.py)
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    marker = _marker(entry)
    for system in _VERSION_CONTROL:
        if system in entry:
            return Entry(f"{name}{extras} @ {_version_control(system, entry)}{marker}")
    if "path" in entry or "file" in entry:
        return _local(name, entry, extras, marker, folder)
    hashes = "".join(f" --hash={value}" for value in entry.get("hashes", ()))
    return Entry(f"{name}{extras}{_specifier(entry.get('version', '*'))}{marker}{hashes}")


def _local(name: str, entry: Mapping[str, Any], extras: str, marker: str, folder: Path) -> Entry:
    place = str(entry.get("path") or entry["file"])
    if "://" in place:
        return Entry(f"{name}{extras} @ {place}{marker}")
    path = (folder / place).resolve()
    if not path.exists():
        raise ValueError(f"the package {name}: there is no {path}")
    if entry.get("editable"):
        return Entry(f"--editable {path}{extras}", path)
    return Entry(f"{name}{extras} @ {path.as_uri()}{marker}", path)


def _specifier(version: object) -> str:
    text = str(version).strip()
    return "" if text in ("", "*") else text


def _version_control(system: str, entry: Mapping[str, Any]) -> str:
    url = str(entry[system])
    # ssh://git@host/path is what git@host:path means.
    if "://" not in url:
        host, _, path = url.partition(":")
        url = f"ssh://{host}/{path}"
    reference = f"@{entry['ref']}" if entry.get("ref") else ""
    subdirectory = f"#subdirectory={entry['subdirectory']}" if entry.get("subdirectory") else ""
    prefix = "" if url.startswith(f"{system}+") else f"{system}+"
    return f"{prefix}{url}{reference}{subdirectory}"


def _marker(entry: Mapping[str, Any]) -> str:
    # A marker that is a key of its own is spelt with its operator: sys_platform = "== 'linux'".
    parts = [str(entry["markers"])] if entry.get("markers") else []
    parts += [f"{key} {entry[key]}" for key in _MARKERS if key in entry]
    return f" ; {' and '.join(f'({part})' for part in parts)}" if parts else ""
