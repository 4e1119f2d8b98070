"""``abeja-runtime doctor``."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.table import print_table
from abeja.runtime.config import catalogue
from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.prepare.choice import choose
from abeja.runtime.prepare.interpreters import Interpreter, discover, dotted
from abeja.runtime.prepare.store import cache_folder
from abeja.runtime.prepare.uv import find_uv
from abeja.runtime.types import Image


@click.command(cls=GroupedCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options("model_dir", "plugin", "block_plugin")
def doctor(*, as_json: bool, **flags: Any) -> None:
    """Say what this machine has: Pythons, and the image versions that can run on them.

    \b
    Example:
        abeja-runtime doctor

    An image version whose Python is not here runs on a newer one, with packages of today; what changed
    between the two may change what a handler does.
    """
    known = catalogue(flags)
    pythons = [interpreter for interpreter in discover() if interpreter.runs]
    verdicts = [(image, _verdict(image, pythons)) for image in known.images]
    problems = [problem.report() for problem in known.plugins.problems()]
    if as_json:
        click.echo(json.dumps(_document(pythons, verdicts, problems), indent=4))
        return
    print_table(
        ("PYTHON", "FOUND", "PATH"),
        [(dotted(python.facts.version), python.origin, str(python.path)) for python in pythons],
    )
    click.echo()
    print_table(("IMAGE", "RUNS"), [(image.name, verdict) for image, verdict in verdicts])
    missing = sorted({image.python for image in known.images if image.python and not _is_here(image.python, pythons)})
    for version in missing:
        click.echo(
            f"\nPython {version} is not here. Install it with `pyenv install {version}`, or name an interpreter with "
            "--python PATH; nothing else is needed, it is found by itself."
        )
    click.echo(f"\nBuilds environments with {_uv()}, keeps them in {cache_folder()}")
    for problem in problems:
        click.echo(f"\nProblem: {problem}")


def _is_here(version: str, pythons: Sequence[Interpreter]) -> bool:
    return any(dotted(python.minor) == version or dotted(python.facts.version) == version for python in pythons)


def _verdict(image: Image, pythons: Sequence[Interpreter]) -> str:
    try:
        choice = choose(pythons, wishes=[(image.python, f"image version {image.name}")])
    except AbejaRuntimeError as error:
        return f"not: {error.message.splitlines()[0]}"
    version = dotted(choice.interpreter.facts.version)
    if choice.is_substitute:
        return f"on Python {version} only, with packages of today: Python {image.python} is not here"
    as_of = f", packages as of {image.released}" if image.released else ""
    way = f"as released: Python {version}" if image.python else f"on Python {version}, the server's own"
    return f"{way}{as_of}"


def _uv() -> str:
    try:
        done = subprocess.run([find_uv(), "--version"], capture_output=True, text=True, check=False)
    except AbejaRuntimeError as error:
        return f"nothing ({error.message})"
    return " ".join(done.stdout.split()[:2])


def _document(
    pythons: Sequence[Interpreter], verdicts: Sequence[tuple[Image, str]], problems: Sequence[str]
) -> dict[str, Any]:
    return {
        "pythons": [
            {"version": dotted(python.facts.version), "found": python.origin, "path": str(python.path)}
            for python in pythons
        ],
        "images": {image.name: verdict for image, verdict in verdicts},
        "cache": str(cache_folder()),
        "problems": list(problems),
    }
