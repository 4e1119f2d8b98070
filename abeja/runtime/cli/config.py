"""``abeja-runtime config``."""

import json
from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.table import print_table
from abeja.runtime.config import resolve
from abeja.runtime.options import rows
from abeja.runtime.secrets import HIDDEN, is_secret


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command(cls=GroupedCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options(*rows())
def show(*, as_json: bool, **flags: Any) -> None:
    """Show every option's value and where it comes from.

    \b
    Example:
        PORT=8000 abeja-runtime config show --model-dir .

    A flag wins over an environment variable, that over the file, that over the image version, and
    that over the built-in default.
    """
    settings = resolve(flags).settings
    if as_json:
        values = {
            name: {"value": _concealed(setting.value), "origin": setting.origin} for name, setting in settings.items()
        }
        click.echo(json.dumps(values, indent=4, default=str))
        return
    print_table(
        ("OPTION", "VALUE", "ORIGIN"),
        [(name, _shown(_concealed(setting.value)), setting.origin) for name, setting in settings.items()],
    )


def _concealed(value: Any) -> Any:
    """A value without secrets: what is shown here is often pasted elsewhere."""
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(key) else item for key, item in value.items()}
    return value


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "-"
    if isinstance(value, dict):
        return " ".join(f"{key}:{item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
