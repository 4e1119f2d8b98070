"""What a test client must know of a model, as plain data: it may be in another process, on another Python."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from abeja.runtime import answers
from abeja.runtime.messages import hidden_headers
from abeja.runtime.model import Model
from abeja.runtime.pool.init import init_header
from abeja.runtime.version import VERSION


def settings_of(
    model: Model, *, strip_headers: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Everything that calling a model's handler takes; JSON can carry it.

    Args:
        model: whose handler is called.
        strip_headers: further request headers that it does not see.
        environ: the environment of the process that will call it.
    """
    return {
        "init": init_header(model, version=VERSION),
        "variables": {name: value for name, value in model.environment.items() if environ.get(name) != value},
        "methods": sorted(model.abi.methods),
        "parses_multipart": model.abi.parses_multipart,
        "hidden": sorted(hidden_headers(model.abi.hidden_headers, strip_headers)),
        "headers": [[answers.VERSION_HEADER, VERSION], *map(list, model.identity_headers)],
    }
