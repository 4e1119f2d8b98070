"""``abeja-runtime images``."""

import json
from typing import Any

import attrs
import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.table import print_table
from abeja.runtime.config import catalogue


@click.command(cls=GroupedCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options("model_dir", "plugin", "block_plugin")
def images(*, as_json: bool, **flags: Any) -> None:
    """List the image versions: what each promised to a handler.

    \b
    Example:
        abeja-runtime images
        abeja-runtime images --json

    A version that is not listed is served as the newest known one before it. Define others, or
    override fields, under [image."<name>"] in abeja-runtime.toml.
    """
    found = catalogue(flags)
    known = list(found.images)
    if as_json:
        click.echo(json.dumps([attrs.asdict(image) for image in known], indent=4, default=str))
        return
    abis = found.plugins.provided("abi")
    print_table(
        ("VERSION", "ABI", "PYTHON", "RELEASED", "ENCODERS", "ALIASES", "DEFINED BY"),
        [
            (
                image.name,
                image.abi if image.abi in abis else f"{image.abi} (no plugin provides it)",
                image.python or "the server's",
                str(image.released or "-"),
                " ".join(image.encoders),
                " ".join(image.aliases) or "-",
                image.origin or "a plugin",
            )
            for image in known
        ],
    )
