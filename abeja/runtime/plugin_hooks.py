"""The hooks that plugins implement; beside the markers in hookspecs.py, all that knows pluggy."""

import difflib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import attrs
import pluggy

from abeja.runtime import hookspecs
from abeja.runtime.errors import (
    PluginHookAsyncError,
    PluginHookMissingError,
    PluginHookUnknownError,
    PluginNameDuplicateError,
    PluginValueInvalidError,
)
from abeja.runtime.events import Service
from abeja.runtime.observer import Observer
from abeja.runtime.plugin_source import Source
from abeja.runtime.types import Abi, Encoder, Extractor, Image, Installer, ResultSource

Value = Abi | Encoder | Extractor | ResultSource | Image | Installer

# hook -> (kind, as in entry point names; type of what it yields)
VALUES: dict[str, tuple[str, type[Any]]] = {
    "abeja_abis": ("abi", Abi),
    "abeja_encoders": ("encoder", Encoder),
    "abeja_extractors": ("extractor", Extractor),
    "abeja_sources": ("source", ResultSource),
    "abeja_images": ("image", Image),
    "abeja_installers": ("installer", Installer),
}
_OBSERVERS = "abeja_observers"
_EVENTS = ("abeja_requests_answered", "abeja_worker_ended")
_KNOWN = ", ".join([*VALUES, _OBSERVERS, *_EVENTS])


class Hooks:
    """The hooks of all plugins of one command."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    def register(self, source: Source) -> Any:
        """Load a plugin's module and take it in.

        Raises:
            PluginError: it cannot be loaded, or its hooks cannot be called.
        """
        module = source.module()
        self._register(source, module)
        self._check_hooks(source, module)
        return module

    def values(self, source: Source, module: Any) -> list[Value]:
        """What a module's hooks of registration yield.

        Raises:
            PluginValueInvalidError: one raised, or yielded something else.
        """
        found: list[Value] = []
        for name, implementation in self._implementations(module):
            if name in VALUES:
                found += _yielded(source, name, implementation.function, VALUES[name][1])
        return found

    def has_events(self, module: Any) -> bool:
        """Whether a module has hooks for events."""
        return any(name not in VALUES for name, _ in self._implementations(module))

    def observers(self, source: Source, service: Service) -> list[Observer]:
        """What of a plugin hears of the events of a service.

        Raises:
            PluginError: it yielded something that cannot.
        """
        module = self._manager.get_plugin(source.name)
        objects = [module]
        for name, implementation in self._implementations(module):
            if name == _OBSERVERS:
                arguments = (service,) if implementation.argnames else ()
                objects += _called(source, name, implementation.function, *arguments)
        for number, observer in enumerate(objects[1:], 1):
            self._register(attrs.evolve(source, name=f"{source.name} {number}"), observer)
            self._check_hooks(source, observer)
            if not {name for name, _ in self._implementations(observer)} <= set(_EVENTS):
                raise PluginValueInvalidError(
                    f"the plugin {source} yielded {observer!r} from {_OBSERVERS}, which has hooks that are no events'.",
                    hint=f"the hooks of events are {', '.join(_EVENTS)}.",
                )
        return [
            Observer(source=source, hook=name, function=implementation.function, arguments=implementation.argnames)
            for observer in objects
            for name, implementation in self._implementations(observer)
            if name in _EVENTS
        ]

    def _register(self, source: Source, module: Any) -> None:
        try:
            self._manager.register(module, name=source.name)
        except pluggy.PluginValidationError as error:
            reason = str(error).partition("\n")[2].strip() or str(error)
            raise PluginValueInvalidError(
                f"the plugin {source} implements a hook in another form than its specification: {reason}",
                hint="hooks take the arguments that docs/reference/hooks.md names, or fewer.",
            ) from error
        except ValueError as error:
            raise PluginNameDuplicateError(
                f"the plugin {source} is a module that another entry point registers too: {error}",
                hint="one entry point for one module.",
            ) from error

    def _check_hooks(self, source: Source, module: Any) -> None:
        for caller in self._manager.get_hookcallers(module) or ():
            if not caller.has_spec():
                raise _unknown_hook(source, caller.name)
            for implementation in caller.get_hookimpls():
                function = implementation.function
                if implementation.plugin is module and (
                    inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
                ):
                    raise PluginHookAsyncError(
                        f"the plugin {source} implements {caller.name} as a coroutine, which nothing awaits.",
                        hint="hooks are synchronous: write `def` instead of `async def`.",
                    )
        for name in vars(module) if isinstance(module, ModuleType) else ():
            if name.startswith("abeja_") and callable(getattr(module, name)) and not _is_marked(getattr(module, name)):
                raise PluginHookUnknownError(
                    f"the plugin {source} has a function {name} that is not marked as a hook.",
                    hint="put @hookimpl above it, or rename it.",
                )
        if not self._manager.get_hookcallers(module):
            raise PluginHookMissingError(f"the plugin {source} implements no hook.", hint=f"the hooks are {_KNOWN}.")

    def _implementations(self, plugin: Any) -> Iterator[tuple[str, pluggy.HookImpl]]:
        """Of a module, or of an object that was registered: the hook's name and what implements it."""
        for caller in self._manager.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin:
                    yield caller.name, implementation


def _called(source: Source, hook: str, function: Callable[..., Any], *arguments: object) -> list[Any]:
    try:
        return list(function(*arguments))
    except Exception as error:  # a third party's code may raise anything
        authors = f"report it to the authors of {source.distribution}, or block it with --block-plugin."
        raise PluginValueInvalidError(
            f"the plugin {source} raised in {hook}: {type(error).__name__}: {error}",
            hint=authors if source.file is None else "correct the file.",
        ) from error


def _unknown_hook(source: Source, hook: str) -> PluginHookUnknownError:
    near = difflib.get_close_matches(hook, [*VALUES, _OBSERVERS, *_EVENTS], n=1)
    hint = f"did you mean {near[0]}?" if near else f"the hooks are {_KNOWN}."
    return PluginHookUnknownError(f"the plugin {source} implements {hook}, which is not a hook.", hint=hint)


def _yielded(source: Source, hook: str, function: Callable[..., Any], kind: type[Any]) -> list[Value]:
    values = _called(source, hook, function)
    for value in values:
        if not isinstance(value, kind):
            raise PluginValueInvalidError(
                f"the plugin {source} yielded {value!r} from {hook}: expected {kind.__name__} values."
            )
    # Also the worker names them by their origin, when their worker half does not load.
    return [
        attrs.evolve(value, origin=source.origin) if isinstance(value, Abi | Encoder) else value for value in values
    ]


def _is_marked(function: object) -> bool:
    return hasattr(function, f"{hookspecs.PROJECT}_impl")
