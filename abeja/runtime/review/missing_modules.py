"""Modules that a handler imports and nothing provides."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen

from abeja.runtime.prepare.imports import ImportGraph, Site
from abeja.runtime.prepare.interpreters import Interpreter, dotted
from abeja.runtime.prepare.requirement import name_of, normalized
from abeja.runtime.review.finding import Finding, Level
from abeja.runtime.review.standard_library import change, has_module
from abeja.runtime.types import Image, Plan

_FIND_TIMEOUT_S = 60
# Finds top-level modules, which imports none of them.
_FIND = """
import importlib.machinery, json, sys
find = importlib.machinery.PathFinder.find_spec
print(json.dumps([name for name in json.load(sys.stdin) if find(name) is None]))
"""
# Shorter names are part of too many others.
_TELLING_LENGTH = 3


@frozen(kw_only=True)
class Packages:
    """Where the handler's packages come from.

    Attributes:
        image: the image version.
        plan: what the model's folder asks for; None if it asks for nothing.
        python: the handler's interpreter.
        is_built: whether an environment is built from these (``--env auto``), rather than the interpreter
            taken as it is.
        environ: the handler's variables.
    """

    image: Image
    plan: Plan | None
    python: Interpreter
    is_built: bool
    environ: Mapping[str, str]


def missing_modules(graph: ImportGraph, folder: Path, packages: Packages) -> list[Finding]:
    """A warning for each module that will probably not be there.

    Names of distributions and of their modules differ: a distribution that is called much like the module
    counts as its.
    """
    version = packages.python.facts.version
    roots = [folder, *map(Path, filter(None, packages.environ.get("PYTHONPATH", "").split(os.pathsep)))]
    unknown = {
        name: site
        for name, site in graph.outside.items()
        if site.path is not None
        and not site.is_optional
        and not has_module(name, version)
        and not any(_is_in(root, name) for root in roots)
        and not _is_in_any_folder(name, folder, graph)
    }
    is_missing = _is_unasked(packages) if packages.is_built else _is_not_found(packages.python, unknown)
    return [_finding(name, site, folder, packages) for name, site in unknown.items() if is_missing(name)]


def _is_unasked(packages: Packages) -> Callable[[str], bool]:
    asked = {normalized(name) for name in packages.plan.names} if packages.plan is not None else set()
    asked |= {name for line in packages.image.always if (name := name_of(line)) is not None}
    squeezed = {name.replace("-", "") for name in asked}

    def is_unasked(module: str) -> bool:
        if module in packages.image.provides:
            return False
        own = normalized(module).replace("-", "")
        return own not in squeezed and not any(
            (own in name and len(own) >= _TELLING_LENGTH) or (name in own and len(name) >= _TELLING_LENGTH)
            for name in squeezed
        )

    return is_unasked


def _is_not_found(python: Interpreter, names: Mapping[str, Site]) -> Callable[[str], bool]:
    if not names:
        return lambda _: False
    done = subprocess.run(
        [python.path, "-I", "-c", _FIND],
        input=json.dumps(list(names)),
        capture_output=True,
        text=True,
        check=True,
        timeout=_FIND_TIMEOUT_S,
    )
    return set(json.loads(done.stdout)).__contains__


def _is_in(root: Path, name: str) -> bool:
    # A compiled module has a platform in its name.
    return (root / name).is_dir() or any(root.glob(f"{name}.py")) or any(root.glob(f"{name}.*so"))


def _is_in_any_folder(name: str, folder: Path, graph: ImportGraph) -> bool:
    """Whether code that changes sys.path may find the module below the model's folder."""
    if not any(b"sys.path" in path.read_bytes() for path in graph.files):
        return False
    return any(folder.rglob(f"{name}.py")) or any(path.is_dir() for path in folder.rglob(name))


def _finding(name: str, site: Site, folder: Path, packages: Packages) -> Finding:
    python = f"Python {dotted(packages.python.facts.version)}"
    message = f"nothing provides the module '{name}'"
    if change(name):
        message = f"the module '{name}' {change(name)}, and the handler runs on {python}"
    elif not packages.is_built:
        message = f"the module '{name}' is not installed for {python} ({packages.python.path})"
    return Finding(
        slug="import-unprovided",
        message=message,
        hint=_hint(name, packages),
        level=Level.WARNING,
        path=str(site.path.relative_to(folder)) if site.path is not None else "",
        line=site.line,
    )


def _hint(name: str, packages: Packages) -> str:
    if not packages.is_built:
        return "install it there, or let --env auto install what the model asks for"
    if packages.plan is None:
        return f"add the package that has it to requirements.txt ({name}, if it is called so)"
    return f"add it to {packages.plan.source}, unless a package that is named there brings it"
