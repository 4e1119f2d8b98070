"""``abeja-runtime install``."""

from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import COMMON_OPTIONS, MODEL_OPTIONS, with_options
from abeja.runtime.cli.preparation import prepare


@click.command(cls=GroupedCommand)
@with_options(*MODEL_OPTIONS, *COMMON_OPTIONS)
def install(**flags: Any) -> None:
    """Install what a handler needs, so that it starts without delay and without network.

    \b
    Example:
        abeja-runtime install --image abeja/all-cpu:19.04 --model-dir .

    The environment is built as `serve` would build it, and kept. Its interpreter is printed. In the
    build of a container image, set XDG_CACHE_HOME to a folder that the image keeps.
    """
    _, model = prepare(flags)
    click.echo(model.python)
