"""What every command does that loads a handler: options, log, plugins, model, training result, packages."""

import logging
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    # Imported when a command prepares, and not when its options are listed or completed.
    from abeja.runtime.config import Configuration
    from abeja.runtime.model import Model


def prepare(
    flags: Mapping[str, Any],
    *,
    log: TextIO | None = None,
    is_quiet: bool = False,
    is_service: bool = False,
    defaults: Mapping[str, Any] | None = None,
) -> "tuple[Configuration, Model]":
    """The configuration and the model that the flags describe, its training result and packages in place.

    Args:
        flags: of the command line.
        log: where the log goes instead of stderr.
        is_service: whether it is a program that runs unattended, whose log is for machines unless a person looks at it.
        is_quiet: whether progress is kept from the terminal.
        defaults: of this command, where they are not those of the options.

    Raises:
        ConfigurationError, PluginError: something is missing or contradicts itself.
        TrainingResultError: the training result cannot be fetched or extracted.
        DependencyError: the model's packages cannot be installed.
    """
    import attrs  # noqa: PLC0415

    from abeja.runtime import logs  # noqa: PLC0415
    from abeja.runtime.cli.termination import unwound_by_signals  # noqa: PLC0415
    from abeja.runtime.config import resolve  # noqa: PLC0415
    from abeja.runtime.model import Model  # noqa: PLC0415
    from abeja.runtime.prepare.environments import equip  # noqa: PLC0415

    configuration = resolve(flags, defaults=defaults)
    log_format = configuration.options.log_format
    for_machines = is_service and not sys.stderr.isatty()
    is_json = log_format == "json" or (log_format == "auto" and for_machines)
    logs.configure(configuration.options.log_level, stream=log, is_json=is_json)
    model = Model.configured(configuration)
    logs.current().describe(folder_name=model.folder.name, environ=model.environment)
    # What the image version asks for has loaded; the rest is worth a word, no more.
    for problem in configuration.plugins.problems():
        logging.getLogger(logs.NAME).warning("%s", problem.report())
    if configuration.options.training_result is not None:
        with unwound_by_signals():
            _prepare_training_result(configuration, model, configuration.options.training_result, is_quiet=is_quiet)
    begin_s = time.monotonic()
    model = equip(model, configuration)
    return configuration, attrs.evolve(model, environment_s=time.monotonic() - begin_s)


def _prepare_training_result(configuration: "Configuration", model: "Model", text: str, *, is_quiet: bool) -> None:
    # Only those who ask for a training result wait for these imports.
    from abeja.runtime.prepare.limits import Limits  # noqa: PLC0415
    from abeja.runtime.prepare.requested_source import RequestedSource  # noqa: PLC0415
    from abeja.runtime.prepare.training_result import TrainingResult  # noqa: PLC0415
    from abeja.runtime.prepare.transfer import terminal  # noqa: PLC0415

    requested = RequestedSource.parse(text)
    image, plugins = model.image, configuration.plugins
    TrainingResult(
        requested=requested,
        source=plugins.source(requested.text),
        extractors=plugins.extractors(image.extractors, asked_by=f'{image.origin}, image "{image.name}"'),
        limits=Limits(total_bytes=configuration.options.max_training_result),
        terminal=None if is_quiet else terminal(),
    ).prepare(model.training_result_folder)
