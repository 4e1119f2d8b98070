"""What is served, which does not change while the server runs, but for packages."""

import os
from collections.abc import Mapping
from typing import Any

import attrs

from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.server.console import concealment
from abeja.runtime.server.console.console import Console
from abeja.runtime.server.console.packages import Packages
from abeja.runtime.version import VERSION


class Facts:
    """What a console tells of its model.

    Args:
        console: whose.
        environ: the variables of the server, to tell those that handlers get beside them.
    """

    def __init__(self, console: Console, *, environ: Mapping[str, str] = os.environ) -> None:
        self._console = console
        self._environ = environ
        self._packages = Packages(console.model)

    async def fields(self) -> dict[str, Any]:
        """All of it, for JSON; secrets are left out."""
        console, model = self._console, self._console.model
        packages = await self._packages.read()
        return {
            "version": VERSION,
            "handler": model.handler,
            "folder": str(model.folder),
            "image_version": model.image.name,
            "released": str(model.image.released) if model.image.released else None,
            "abi": {
                "name": model.abi.name,
                "methods": sorted(model.abi.methods),
                "parses_multipart": model.abi.parses_multipart,
                "media_types": list(model.abi.media_types),
            },
            "encoders": [encoder.name for encoder in model.encoders],
            "python": str(model.python),
            "port": console.service_address[1],
            "limits": _limits(console.options),
            "packages": None if packages is None else [attrs.asdict(package) for package in packages],
            "variables": self._variables(model),
        }

    def _variables(self, model: Model) -> dict[str, Any]:
        given = {name: value for name, value in model.environment.items() if self._environ.get(name) != value}
        inherited = {name: value for name, value in model.environment.items() if name not in given}
        return {"given": concealment.shown(given), "inherited": concealment.shown(inherited)}


def _limits(options: Options) -> dict[str, Any]:
    return {
        "workers": options.workers,
        "concurrency": options.concurrency,
        "queue": options.queue,
        "timeout_s": options.timeout,
        "max_body_bytes": options.max_body,
        "is_reloading": options.reload,
    }
