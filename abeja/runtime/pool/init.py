"""What a worker is told at its start."""

from typing import Any

from abeja.runtime.model import Model
from abeja.runtime.types import Abi, Encoder


def init_header(model: Model, *, version: str) -> dict[str, Any]:
    """What a worker needs to load a model's handler, but for its spool folder."""
    return {
        "model_dir": str(model.folder),
        "handler": model.handler,
        "abi": _worker_half(model.abi),
        "encoders": [_worker_half(encoder) for encoder in model.encoders],
        "version": version,
    }


def _worker_half(plugin: Abi | Encoder) -> dict[str, str]:
    """What the worker needs to load its half of a plugin, and to name it."""
    return {"name": plugin.name, "worker": str(plugin.worker), "origin": plugin.origin}
