"""``abeja-runtime plugins``."""

import json
from typing import Any

import click

from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.table import print_table
from abeja.runtime.config import catalogue
from abeja.runtime.plugins import Plugin, kind_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options("model_dir", "block_plugin")
def plugins(*, as_json: bool, **flags: Any) -> None:
    """List the plugins that are installed, what each provides, and what is wrong with any.

    A plugin is an entry point of the group abeja_runtime; its name is <kind>-<name>.
    """
    found = catalogue(flags).plugins
    described = [_describe(plugin) for plugin in found.all]
    problems = [problem.report() for problem in found.problems()]
    if as_json:
        click.echo(json.dumps({"plugins": described, "problems": problems}, indent=4))
        return
    print_table(
        ("PLUGIN", "DISTRIBUTION", "STATUS", "PROVIDES"),
        [
            (
                item["name"],
                f"{item['distribution']} {item['version']}",
                item["status"],
                ", ".join(f"{value['kind']} {value['name']}" for value in item["provides"]) or "-",
            )
            for item in described
        ],
    )
    for problem in problems:
        click.echo(f"\nProblem: {problem}")


def _describe(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.source.name,
        "distribution": plugin.source.distribution,
        "version": plugin.source.version,
        "status": plugin.status,
        "provides": [{"kind": kind_of(value), "name": value.name} for value in plugin.values],
        "problem": plugin.problem.report() if plugin.problem else None,
    }
