"""What every command does that loads a handler: options, log, plugins, model."""

import logging
from collections.abc import Mapping
from typing import Any, TextIO

from abeja.runtime import logs
from abeja.runtime.config import Configuration, resolve
from abeja.runtime.model import Model
from abeja.runtime.prepare.environments import equip


def prepare(flags: Mapping[str, Any], *, log: TextIO | None = None) -> tuple[Configuration, Model]:
    """The configuration and the model that the flags describe.

    Args:
        flags: of the command line.
        log: where the log goes instead of stderr.

    Raises:
        ConfigurationError, PluginError: something is missing or contradicts itself.
        DependencyError: the model's packages cannot be installed.
    """
    configuration = resolve(flags)
    logs.configure(configuration.options.log_level, stream=log)
    model = Model.configured(configuration)
    # What the image version asks for has loaded; the rest is worth a word, no more.
    for problem in configuration.plugins.problems():
        logging.getLogger(logs.NAME).warning("%s", problem.report())
    return configuration, equip(model, configuration)
