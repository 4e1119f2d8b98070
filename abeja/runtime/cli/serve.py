"""``abeja-runtime serve``."""

from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.options import rows
from abeja.runtime.version import VERSION


@click.command(cls=GroupedCommand)
@with_options(*rows())
def serve(**flags: Any) -> None:
    """Serve a handler over HTTP.

    \b
    Example:
        abeja-runtime --image-version 19.04 --handler main:handler
        curl -d @request.json -H 'Content-Type: application/json' localhost:5000

    The service answers on --port. GET /health_check answers on both ports; the management port
    also has /livez and /readyz. SIGTERM and Ctrl-C let running requests finish.
    """
    # Tornado is imported only by the commands that listen.
    from abeja.runtime.server.service import serve as serve_model  # noqa: PLC0415

    configuration, model = prepare(flags, is_service=True)
    serve_model(model, configuration.options, version=VERSION, plugins=configuration.plugins)
