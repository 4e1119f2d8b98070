"""Installer ``requirements``: requirements.txt, with the files that it refers to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from abeja.runtime import Installer, Plan, hookimpl
from abeja_runtime_installers.requirements.lines import Reader

FILE = "requirements.txt"


@hookimpl
def abeja_installers() -> Iterator[Installer]:
    """requirements.txt."""
    yield Installer(name="requirements", file=FILE, plan=plan)


def plan(folder: Path, environ: Mapping[str, str]) -> Plan:
    """What ``requirements.txt`` in `folder` asks for.

    Raises:
        ValueError: it, or a file that it refers to, cannot be used.
    """
    reader = Reader(folder, environ)
    reader.read(folder / FILE)
    return Plan(
        source=FILE,
        requirements=reader.lines if reader.has_requirements else (),
        read=reader.paths,
        names=reader.names,
        must_match_hashes=reader.must_match_hashes,
        warnings=reader.warnings,
    )
