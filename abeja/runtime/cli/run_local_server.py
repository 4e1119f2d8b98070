"""``abeja-runtime run-local-server``."""

from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.cli.vendor import apply_vendor_options, with_vendor_options
from abeja.runtime.options import rows
from abeja.runtime.version import VERSION

# Any free ones; the banner says which.
_DEFAULTS = {"port": 0, "health_port": 0}


@click.command("run-local-server", cls=GroupedCommand)
@with_options(*rows(), defaults=_DEFAULTS)
@with_vendor_options
def run_local_server(**flags: Any) -> None:
    """Serve a handler on this machine to try it out, as the vendor's CLI did, without Docker.

    \b
    Example:
        abeja-runtime run-local-server --image abeja/all-cpu:19.04 --handler main:handler --port 5000

    Without --port, any free port is taken; the banner says which.
    """
    # Tornado is imported only by the commands that listen.
    from abeja.runtime.server.service import Addresses, serve  # noqa: PLC0415

    configuration, model = prepare(apply_vendor_options(flags), defaults=_DEFAULTS)

    def greet(addresses: Addresses) -> None:
        image = configuration.options.image or model.image.name
        for line in _banner(addresses.service, model.handler, image):
            click.echo(line)

    serve(model, configuration.options, version=VERSION, plugins=configuration.plugins, on_ready=greet)


def _banner(url: str, handler: str, image: str) -> list[str]:
    port = url.rpartition(":")[2]
    return [
        "",
        " ----- Local Server ----- ",
        "",
        " Started successfully!",
        "",
        f" Endpoint : http://localhost:{port}",
        f" Handler :  {handler}",
        f" Image :    {image}",
        "",
        "you can now access this http api!",
        "press Ctrl + C to stop",
        "",
    ]
