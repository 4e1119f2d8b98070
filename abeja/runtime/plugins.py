"""Finds, checks and asks plugins.

pluggy by itself skips a second entry point of the same name, accepts a misspelt hook, lets the
last registered win, and never awaits a coroutine. Each of these is a named error here. An error
is raised when the image version asks for what the plugin would provide, and only reported when
nobody asked for it.
"""

import fnmatch
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field

from abeja.runtime.errors import (
    AbiUnknownError,
    ConfigurationError,
    EncoderUnknownError,
    ExtractorUnknownError,
    InstallerUnknownError,
    PluginConflictError,
    PluginError,
    PluginNameDuplicateError,
    PluginValueInvalidError,
    SourceUnknownError,
)
from abeja.runtime.events import Service
from abeja.runtime.observer import Observer
from abeja.runtime.plugin_hooks import VALUES, Hooks, Value
from abeja.runtime.plugin_source import Source, entry_point_sources, file_source
from abeja.runtime.review.finding import Review
from abeja.runtime.review.handler_code import HandlerCode
from abeja.runtime.types import Abi, Encoder, Extractor, Image, Installer, ResultSource

_UNKNOWN: dict[str, type[ConfigurationError]] = {
    "abi": AbiUnknownError,
    "encoder": EncoderUnknownError,
    "extractor": ExtractorUnknownError,
    "source": SourceUnknownError,
    "installer": InstallerUnknownError,
}


@define
class Plugin:
    """A plugin that was found, with what it provides or why it cannot.

    Attributes:
        status: ``loaded``, ``failed`` or ``blocked``.
        values: what its hooks yielded.
        is_observer: whether it has hooks for events.
        problem: the reason of a failure.
    """

    source: Source
    status: str = "loaded"
    values: list[Value] = field(factory=list)
    is_observer: bool = False
    problem: PluginError | None = None

    def fail(self, problem: PluginError) -> None:
        """Take it out of service, with what it had provided."""
        self.status, self.problem = "failed", problem
        self.values.clear()
        self.is_observer = False


class Plugins:
    """The plugins of one command.

    Args:
        sources: where they come from.
        blocked: patterns of entry point names, as `fnmatch` reads them, that are not loaded.
    """

    def __init__(self, sources: Iterable[Source], *, blocked: Sequence[str] = ()) -> None:
        self._hooks = Hooks()
        self.all = [Plugin(source) for source in sorted(sources, key=_order)]
        self._conflicts: dict[tuple[str, str], PluginError] = {}
        for plugin in self.all:
            if any(fnmatch.fnmatchcase(plugin.source.name, pattern) for pattern in blocked):
                plugin.status = "blocked"
        self._reject_duplicate_names()
        for plugin in self._in_service():
            self._load(plugin)
        self._find_conflicts()

    @classmethod
    def installed(cls, *, files: Iterable[Path] = (), blocked: Sequence[str] = ()) -> "Plugins":
        """The plugins of all installed distributions, and those of `files`."""
        # The same file twice, as by the user's file and a flag, is one plugin.
        from_files = [file_source(file) for file in dict.fromkeys(Path(os.path.realpath(file)) for file in files)]
        return cls([*entry_point_sources(), *from_files], blocked=blocked)

    def abi(self, name: str, *, asked_by: str) -> Abi:
        """The handler ABI `name`.

        Raises:
            AbiUnknownError: no plugin provides it.
            PluginError: the plugin that provides it cannot be used.
        """
        return self._require("abi", name, asked_by=asked_by)  # type: ignore[no-any-return] # by kind

    def abis(self) -> tuple[Abi, ...]:
        """All handler ABIs that can be used."""
        return tuple(self.abi(name, asked_by="") for name in sorted(self.provided("abi")))

    def encoder(self, name: str, *, asked_by: str) -> Encoder:
        """The encoder `name`.

        Raises:
            EncoderUnknownError: no plugin provides it.
            PluginError: the plugin that provides it cannot be used.
        """
        return self._require("encoder", name, asked_by=asked_by)  # type: ignore[no-any-return] # by kind

    def extractor(self, name: str, *, asked_by: str) -> Extractor:
        """The extractor `name`.

        Raises:
            ExtractorUnknownError: no plugin provides it.
            PluginError: the plugin that provides it cannot be used.
        """
        return self._require("extractor", name, asked_by=asked_by)  # type: ignore[no-any-return] # by kind

    def extractors(self, names: Sequence[str] = (), *, asked_by: str = "") -> tuple[Extractor, ...]:
        """The extractors `names`, without any all that can be used; raises as `extractor` does."""
        return tuple(self.extractor(name, asked_by=asked_by) for name in names or sorted(self.provided("extractor")))

    def source(self, text: str) -> ResultSource:
        """The source that takes `text`.

        Raises:
            SourceUnknownError: none does.
            PluginConflictError: more than one does.
            PluginError: one cannot be asked.
        """
        named = {name: self._require("source", name, asked_by="the plugin") for name in self.provided("source")}
        taking = [source for source in named.values() if _takes(source, text, self.provided("source")[source.name])]
        if not taking:
            raise self._unknown("source", text, "--training-result")
        if len(taking) > 1:
            owners = " and ".join(str(self.provided("source")[source.name]) for source in taking)
            raise PluginConflictError(
                f"the training result '{text}' is taken by {owners}.", hint="block all but one with --block-plugin."
            )
        return taking[0]  # type: ignore[no-any-return] # by kind

    def installer(self, name: str, *, asked_by: str) -> Installer:
        """The installer `name`.

        Raises:
            InstallerUnknownError: no plugin provides it.
            PluginError: the plugin that provides it cannot be used.
        """
        return self._require("installer", name, asked_by=asked_by)  # type: ignore[no-any-return] # by kind

    def images(self) -> list[Image]:
        """The image versions of all plugins, but for those that two of them provide."""
        return [
            attrs.evolve(value, origin=f"the plugin {plugin.source}")
            for plugin in self._in_service()
            for value in plugin.values
            if isinstance(value, Image) and ("image", value.name) not in self._conflicts
        ]

    def conflicts(self, kind: str) -> dict[str, PluginError]:
        """The names of `kind` that two plugins provide, with the error that says so."""
        return {name: problem for (of_kind, name), problem in self._conflicts.items() if of_kind == kind}

    def provided(self, kind: str) -> dict[str, Source]:
        """The names of `kind` that can be used, with where each comes from."""
        return {
            value.name: plugin.source
            for plugin in self._in_service()
            for value in plugin.values
            if kind_of(value) == kind and (kind, value.name) not in self._conflicts
        }

    def not_in_service(self) -> list[str]:
        """What was found and does not take part, with the reason, such as ``abi-x (dist 1.0) is blocked``."""
        return [f"{plugin.source} is {plugin.status}" for plugin in self.all if plugin.status != "loaded"]

    def variables(self, abi: Abi, *, folder: Path, handler: str) -> dict[str, str]:
        """The environment variables that handlers of `abi` find.

        Raises:
            PluginValueInvalidError: its plugin raised, or gave something else than texts by name.
        """
        plugin = self.provided("abi")[abi.name]
        try:
            variables = dict(abi.variables(folder, handler))
        except Exception as error:  # a third party's code may raise anything
            raise PluginValueInvalidError(
                f"the plugin {plugin} raised when asked for variables: {type(error).__name__}: {error}"
            ) from error
        if not all(_is_variable(name, value) for name, value in variables.items()):
            raise PluginValueInvalidError(
                f"the plugin {plugin} gave {variables!r} as variables: expected texts by name."
            )
        return variables

    def review(self, abi: Abi, code: HandlerCode) -> Review | None:
        """What `abi` says of a handler's code; None if it cannot tell.

        Raises:
            PluginValueInvalidError: its plugin raised, or gave something else than a `Review`.
        """
        if abi.review is None:
            return None
        plugin = self.provided("abi")[abi.name]
        try:
            review = abi.review(code)
        except Exception as error:  # a third party's code may raise anything
            raise PluginValueInvalidError(
                f"the plugin {plugin} raised when asked for a review: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(review, Review):
            raise PluginValueInvalidError(f"the plugin {plugin} gave {review!r} as a review: expected a Review.")
        return review

    def observers(self, service: Service) -> tuple[list[Observer], list[PluginError]]:
        """What hears of the events of a service, and why others do not."""
        found: list[Observer] = []
        problems: list[PluginError] = []
        for plugin in self._in_service():
            if plugin.is_observer:
                try:
                    found += self._hooks.observers(plugin.source, service)
                except PluginError as problem:
                    problems.append(problem)
        return found, problems

    def require_files(self) -> None:
        """Insist on the plugins that were named one by one.

        Raises:
            PluginError: the first that cannot be used.
        """
        for plugin in self.all:
            if plugin.source.file is not None and plugin.problem is not None:
                raise plugin.problem

    def problems(self) -> list[PluginError]:
        """Everything that is wrong, whether or not it was asked for."""
        return [plugin.problem for plugin in self.all if plugin.problem is not None] + list(self._conflicts.values())

    def _in_service(self) -> list[Plugin]:
        return [plugin for plugin in self.all if plugin.status == "loaded"]

    def _require(self, kind: str, name: str, *, asked_by: str) -> Any:
        if (kind, name) in self._conflicts:
            raise self._conflicts[kind, name]
        for plugin in self._in_service():
            for value in plugin.values:
                if kind_of(value) == kind and value.name == name:
                    return value
        for plugin in self.all:
            if plugin.source.name == f"{kind}-{name}" and plugin.problem is not None:
                raise plugin.problem
        raise self._unknown(kind, name, asked_by)

    def _unknown(self, kind: str, name: str, asked_by: str) -> ConfigurationError:
        noun = {"abi": "handler ABI", "source": "source of"}.get(kind, kind)
        known = ", ".join(f"{known} ({source.origin})" for known, source in sorted(self.provided(kind).items()))
        unusable = self.not_in_service()
        hint = "`abeja-runtime plugins` lists what is installed; install the distribution that provides yours."
        if unusable:
            hint += f" Not in service: {', '.join(unusable)}."
        return _UNKNOWN[kind](
            f"no plugin provides the {noun} '{name}' (asked for by {asked_by}).\nKnown: {known or 'none'}.", hint=hint
        )

    def _reject_duplicate_names(self) -> None:
        by_name: dict[str, list[Plugin]] = {}
        for plugin in self._in_service():
            by_name.setdefault(plugin.source.name, []).append(plugin)
        for name, plugins in by_name.items():
            if len(plugins) > 1:
                owners = " and ".join(plugin.source.origin for plugin in plugins)
                remedy = "their authors can rename the entry point"
                if any(plugin.source.file for plugin in plugins):
                    remedy = "a plugin that is a file is called as the file is, without .py"
                for plugin in plugins:
                    plugin.fail(
                        PluginNameDuplicateError(
                            f"the plugin name '{name}' is taken by {owners}.",
                            hint=f"remove one of them; {remedy}.",
                        )
                    )

    def _load(self, plugin: Plugin) -> None:
        try:
            module = self._hooks.register(plugin.source)
            plugin.values = self._hooks.values(plugin.source, module)
            plugin.is_observer = self._hooks.has_events(module)
        except PluginError as problem:
            plugin.fail(problem)

    def _find_conflicts(self) -> None:
        seen: dict[tuple[str, str], Source] = {}
        for plugin in self._in_service():
            for value in plugin.values:
                key = (kind_of(value), value.name)
                if key in seen:
                    self._conflicts[key] = PluginConflictError(
                        f"the {key[0]} '{key[1]}' is provided by both {seen[key]} and {plugin.source}.",
                        hint="uninstall one of them, or block it with --block-plugin.",
                    )
                seen.setdefault(key, plugin.source)


def kind_of(value: Value) -> str:
    """The kind of a value as it is spelt in entry point names, such as ``encoder``."""
    return next(kind for kind, type_ in VALUES.values() if isinstance(value, type_))


def _order(source: Source) -> tuple[str, bool, str]:
    """By name, then files last; distributions are found in the order of the file system, which says nothing."""
    return source.name, source.file is not None, source.origin


def _takes(source: ResultSource, text: str, plugin: Source) -> bool:
    try:
        return source.takes(text)
    except Exception as error:  # a third party's code may raise anything
        raise PluginValueInvalidError(
            f"the plugin {plugin} raised when asked for '{text}': {type(error).__name__}: {error}"
        ) from error


def _is_variable(name: object, value: object) -> bool:
    return (
        isinstance(name, str) and isinstance(value, str) and name != "" and "=" not in name and "\0" not in name + value
    )
