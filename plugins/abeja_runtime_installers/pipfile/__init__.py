"""Installer ``pipfile``: Pipfile, or Pipfile.lock where it is of this Pipfile."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from abeja.runtime import Installer, Plan, hookimpl
from abeja_runtime_installers.pipfile.digest import pipfile_digest
from abeja_runtime_installers.pipfile.entry import entry_line
from abeja_runtime_installers.pipfile.sources import source_lines

FILE, LOCK = "Pipfile", "Pipfile.lock"


@hookimpl
def abeja_installers() -> Iterator[Installer]:
    """Pipfile."""
    yield Installer(name="pipfile", file=FILE, plan=plan)


def plan(folder: Path, environ: Mapping[str, str]) -> Plan:
    """What the Pipfile in `folder` asks for: as it is locked, if the lock is of this Pipfile.

    Raises:
        ValueError: it cannot be used.
    """
    pipfile = _tables(folder / FILE)
    lock = _lock(folder / LOCK)
    if lock is None:
        return _plan(folder, environ, pipfile, pipfile.get("packages", {}), source=FILE)
    meta = lock.get("_meta", {})
    if meta.get("hash", {}).get("sha256") != pipfile_digest(pipfile, default_sources=meta.get("sources", [])):
        warning = (
            f"{LOCK} is not of this {FILE} any more: the packages of {FILE} are resolved anew; `pipenv lock` renews it."
        )
        return _plan(folder, environ, pipfile, pipfile.get("packages", {}), source=FILE, warnings=[warning])
    return _plan(folder, environ, pipfile, lock.get("default", {}), source=LOCK)


def _plan(
    folder: Path,
    environ: Mapping[str, str],
    pipfile: Mapping[str, Any],
    packages: Mapping[str, Any],
    *,
    source: str,
    warnings: list[str] | None = None,
) -> Plan:
    entries = [entry_line(name, entry, folder) for name, entry in packages.items()]
    sources = source_lines(pipfile.get("source", []), environ)
    paths = [entry.path for entry in entries if entry.path is not None]
    requires = pipfile.get("requires", {})
    return Plan(
        source=source,
        requirements=[*sources, *(entry.line for entry in entries)] if entries else [],
        read=[folder / FILE, *([folder / LOCK] if source == LOCK else []), *paths],
        names=packages.keys(),
        must_match_hashes=bool(entries) and all("--hash=" in entry.line for entry in entries),
        python=requires.get("python_full_version") or requires.get("python_version"),
        warnings=warnings or [],
    )


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _lock(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    lock = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(lock, dict):
        raise ValueError(f"{path} is no lock file")  # noqa: TRY004 (one kind of error for a file that cannot be used)
    return lock
