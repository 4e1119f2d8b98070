"""``abeja-runtime plugins``."""

import json
from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.table import print_table
from abeja.runtime.config import catalogue
from abeja.runtime.plugins import Plugin, kind_of


@click.command(cls=GroupedCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options("model_dir", "plugin", "block_plugin")
def plugins(*, as_json: bool, **flags: Any) -> None:
    """List the plugins, what each provides, and what is wrong with any.

    \b
    Example:
        abeja-runtime plugins
        abeja-runtime plugins --plugin ./msgpack_plugin.py

    A plugin is an entry point of the group abeja_runtime, whose name is <kind>-<name>, or a file that
    --plugin names.
    """
    found = catalogue(flags).plugins
    described = [_describe(plugin) for plugin in found.all]
    problems = [problem.report() for problem in found.problems()]
    if as_json:
        click.echo(json.dumps({"plugins": described, "problems": problems}, indent=4))
        return
    print_table(
        ("PLUGIN", "FROM", "STATUS", "PROVIDES"),
        [
            (
                plugin.source.name,
                plugin.source.origin,
                plugin.status,
                ", ".join(_provided(plugin)) or "-",
            )
            for plugin in found.all
        ],
    )
    for problem in problems:
        click.echo(f"\nProblem: {problem}")


def _provided(plugin: Plugin) -> list[str]:
    values = [f"{kind_of(value)} {value.name}" for value in plugin.values]
    return [*values, "an observer"] if plugin.is_observer else values


def _describe(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.source.name,
        "distribution": plugin.source.distribution or None,
        "version": plugin.source.version or None,
        "file": str(plugin.source.file) if plugin.source.file else None,
        "status": plugin.status,
        "provides": [{"kind": kind_of(value), "name": value.name} for value in plugin.values],
        "is_observer": plugin.is_observer,
        "problem": plugin.problem.report() if plugin.problem else None,
    }
