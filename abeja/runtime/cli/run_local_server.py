"""``abeja-runtime run-local-server``."""

from typing import Any

import attrs
import click

from abeja.runtime.cli.options import with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.cli.vendor import apply_vendor_options, with_vendor_options
from abeja.runtime.config import Configuration
from abeja.runtime.options import Options, rows
from abeja.runtime.version import VERSION


@click.command("run-local-server")
@with_options(*rows())
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

    configuration, model = prepare(apply_vendor_options(flags))

    def greet(addresses: Addresses) -> None:
        image = configuration.options.image or model.image.name
        for line in _banner(addresses.service, model.handler, image):
            click.echo(line)

    serve(model, _free_ports(configuration), version=VERSION, on_ready=greet)


def _free_ports(configuration: Configuration) -> Options:
    options, settings = configuration.options, configuration.settings
    return attrs.evolve(
        options,
        port=0 if settings["port"].origin == "built-in" else options.port,
        health_port=0 if settings["health_port"].origin == "built-in" else options.health_port,
    )


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
