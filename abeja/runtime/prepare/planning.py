"""What a model's folder asks for: the first installer of the image version that finds its file plans."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from abeja.runtime.errors import DependencyFileInvalidError
from abeja.runtime.excerpt import excerpt_of_quotation, excerpt_of_syntax_error
from abeja.runtime.types import Installer, Plan

_log = logging.getLogger("abeja.runtime")


def plan_of(folder: Path, installers: Sequence[Installer], environ: Mapping[str, str]) -> Plan | None:
    """What the model in `folder` asks for; None if no installer finds its file.

    Raises:
        DependencyFileInvalidError: a file cannot be used.
    """
    for installer in installers:
        if (folder / installer.file).is_file():
            plan = _plan(installer, folder, environ)
            for warning in plan.warnings:
                _log.warning("%s", warning)
            return plan
    # The original's words.
    files = "/".join(installer.file for installer in reversed(installers))
    _log.info("%s not found, skip installing dependencies process", files)
    return None


def _plan(installer: Installer, folder: Path, environ: Mapping[str, str]) -> Plan:
    try:
        return installer.plan(folder, environ)
    except (ValueError, OSError) as error:
        path = folder / installer.file
        raise DependencyFileInvalidError(
            f"{path} cannot be used: {error}.",
            excerpt=excerpt_of_syntax_error(path, error) or excerpt_of_quotation([path], str(error)),
        ) from error
