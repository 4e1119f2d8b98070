"""Where a plugin comes from: an entry point of an installed distribution, or a file."""

import importlib.metadata
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from attrs import field, frozen

from abeja.runtime.errors import PluginError, PluginFileMissingError, PluginImportFailedError

ENTRY_POINT_GROUP = "abeja_runtime"

# Modules of plugins that are files are kept under names that nobody else takes.
_MODULE_PREFIX = "_abeja_runtime_plugin_"


@frozen
class Source:
    """Where a plugin comes from.

    Attributes:
        name: the entry point's, such as ``encoder-json``; of a file its name without ``.py``.
        distribution: the installed distribution's name; empty for a file.
        version: its version.
        load: imports the plugin's module.
        file: the file that ``--plugin`` names; None for an entry point.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], Any] = field(eq=False, repr=False)
    file: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.origin})"

    @property
    def origin(self) -> str:
        """The distribution with its version, or the file."""
        return str(self.file or f"{self.distribution} {self.version}".strip())

    def module(self) -> Any:
        """The plugin's module.

        Raises:
            PluginFileMissingError: the file does not exist.
            PluginImportFailedError: importing it raised.
        """
        try:
            return self.load()
        except PluginError:
            raise
        except (Exception, SystemExit) as error:  # a third party's module may raise anything when it is imported
            hint = f"reinstall or uninstall {self.distribution}." if self.file is None else "correct the file."
            problem = PluginImportFailedError(
                f"the plugin {self} cannot be imported: {type(error).__name__}: {error}", hint=hint
            )
            problem.traceback = _traceback_in(self.file, error) if self.file is not None else ""
            raise problem from error


def entry_point_sources() -> list[Source]:
    """The plugins of all installed distributions."""
    return [_of_entry_point(entry_point) for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)]


def file_source(file: Path) -> Source:
    """The plugin that is a file; the file need not exist until it is loaded."""
    return Source(file.stem, "", "", lambda: _load_file(file), file=file)


def _of_entry_point(entry_point: importlib.metadata.EntryPoint) -> Source:
    distribution = entry_point.dist
    return Source(
        entry_point.name,
        distribution.name if distribution else "unknown distribution",
        distribution.version if distribution else "",
        entry_point.load,
    )


def _load_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise PluginFileMissingError(
            f"there is no plugin file {file}.", hint="--plugin names a Python file; a package is installed with pip."
        )
    name = _MODULE_PREFIX + re.sub(r"\W", "_", file.stem)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file (its name does not end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _traceback_in(file: Path, error: BaseException) -> str:
    """The traceback from the first frame of the file on."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(file):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
