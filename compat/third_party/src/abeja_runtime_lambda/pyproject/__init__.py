"""Installer ``pyproject``: the dependencies in the table ``[project]`` of pyproject.toml.

Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from abeja.runtime import Installer, Plan, hookimpl

FILE = "pyproject.toml"

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")


@hookimpl
def abeja_installers() -> Iterator[Installer]:
    """pyproject.toml."""
    yield Installer(name="pyproject", file=FILE, plan=plan)


def plan(folder: Path, environ: Mapping[str, str]) -> Plan:
    """What the project in `folder` depends on; the project itself is not installed.

    Raises:
        ValueError: the file cannot be used.
    """
    path = folder / FILE
    tables = _tables(path)
    project = tables.get("project", {})
    if not isinstance(project, dict):
        raise ValueError("project is no table")
    dependencies = _dependencies(project)
    return Plan(
        source=FILE,
        requirements=dependencies,
        read=[path],
        names=[_name(line) for line in dependencies],
        python=_python(project),
        warnings=_warnings(tables),
    )


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _dependencies(project: dict[str, Any]) -> list[str]:
    if "dependencies" in project.get("dynamic", []):
        raise ValueError("its dependencies are dynamic: only a list in [project] can be read")
    found = project.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(line, str) for line in found):
        raise ValueError(f"project.dependencies: expected a list of texts, found {found!r}")
    return found


def _name(line: str) -> str:
    match = _NAME.match(line)
    if match is None:
        raise ValueError(f"project.dependencies: {line!r} names no distribution")
    return match[1]


def _python(project: dict[str, Any]) -> str | None:
    wanted = project.get("requires-python")
    if wanted is not None and not isinstance(wanted, str):
        raise ValueError(f"project.requires-python: expected text, found {wanted!r}")
    return wanted or None


def _warnings(tables: dict[str, Any]) -> Iterator[str]:
    tool = tables.get("tool", {})
    if "project" not in tables and "poetry" in tool:
        yield f"{FILE}: [tool.poetry] is not read; Poetry 2 writes the dependencies to [project]."
    if tool.get("uv", {}).get("sources"):
        yield f"{FILE}: [tool.uv.sources] has no effect here."
