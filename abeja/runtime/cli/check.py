"""``abeja-runtime check``."""

import json
import sys
import textwrap
from typing import Any

import attrs
import click

from abeja.runtime import logs
from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.colour import dressed, is_wanted
from abeja.runtime.config import resolve
from abeja.runtime.excerpt import excerpt_of_file
from abeja.runtime.options import Options
from abeja.runtime.prepare.interpreters import dotted
from abeja.runtime.prepare.working_directory import working_directory
from abeja.runtime.review.checkup import Report
from abeja.runtime.review.checkup import check as check_model
from abeja.runtime.review.finding import Finding, Level


@click.command(cls=GroupedCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options(
    "image",
    "image_version",
    "handler",
    "model_dir",
    "environment",
    "python",
    "env",
    "plugin",
    "block_plugin",
)
def check(*, as_json: bool, **flags: Any) -> int:
    """Say what is wrong with a handler's code, by reading it: nothing of it is run.

    \b
    Example:
        abeja-runtime check --handler main:handler --model-dir .

    Without an image version, the one is taken that the code looks like. The exit code is 1 if there is an error.
    """
    configuration = resolve(flags)
    logs.configure("warning")
    report = check_model(configuration)
    if as_json:
        click.echo(json.dumps(_document(report, configuration.options.handler), indent=4))
    else:
        _print(report, configuration.options)
    return 1 if report.count(Level.ERROR) else 0


def _print(report: Report, options: Options) -> None:
    folder, handler = working_directory(options.model_dir).resolve(), options.handler
    dress = dressed if is_wanted(sys.stdout) else str
    for finding in report.findings:
        place = ":".join(filter(None, (finding.path, str(finding.line or ""))))
        line = ": ".join(filter(None, (place, finding.level, finding.slug, _sentence(finding.message))))
        click.echo(dress(line))
        shown = excerpt_of_file(folder / finding.path, line=finding.line, around=0) if finding.line else ""
        if shown:
            click.echo(dress(textwrap.indent(shown, "    ")))
        if finding.hint:
            click.echo(dress(f"    Hint: {_sentence(finding.hint)}"))
    image = f"image version {report.image.name} (ABI {report.image.abi}), " if report.image is not None else ""
    counts = [f"{count} {level}{'' if count == 1 else 's'}" for level in Level if (count := report.count(level))]
    click.echo(f"{handler}, {image}Python {_python(report)}: {', '.join(counts) or 'nothing found'}")
    if report.command:
        click.echo(f"Serve it: {report.command}")


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."


def _python(report: Report) -> str:
    return dotted(report.python.facts.version)


def _document(report: Report, handler: str) -> dict[str, Any]:
    return {
        "handler": handler,
        "image_version": report.image.name if report.image is not None else None,
        "abi": report.image.abi if report.image is not None else None,
        "python": _python(report),
        "findings": [_finding(finding) for finding in report.findings],
        "command": report.command or None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**attrs.asdict(finding), "line": finding.line or None}
