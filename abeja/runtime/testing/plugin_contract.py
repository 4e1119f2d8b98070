"""What every plugin promises, whatever it provides."""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, Protocol

from abeja.runtime.plugin_source import ENTRY_POINT_GROUP, Source
from abeja.runtime.plugins import Plugins, kind_of


class Metafunc(Protocol):
    """What pytest gives `pytest_generate_tests`: as much of it as is used here."""

    fixturenames: Sequence[str]

    def parametrize(self, argnames: str, argvalues: Sequence[Any], *, ids: Sequence[str]) -> None:
        """Run the test once for each value."""


# Parameter of tests -> its values by their ids.
Parameters = Mapping[str, Mapping[str, Any]]


class PluginContract:
    """Base of the contract classes.

    Attributes:
        plugin: the module that has the hooks.
        name: of the value that is tested; needed if the plugin yields more than one of the kind.
    """

    kind: ClassVar[str]
    plugin: ModuleType
    name: str = ""

    def pytest_generate_tests(self, metafunc: Metafunc) -> None:
        """Called by pytest for each test."""
        for parameter, values in self.parameters().items():
            if parameter in metafunc.fixturenames:
                metafunc.parametrize(parameter, list(values.values()), ids=list(values))

    def parameters(self) -> Parameters:
        """What tests of the contract are repeated for."""
        return {}

    @property
    def value(self) -> Any:
        """What the plugin yields; read as abeja-runtime reads it."""
        if not hasattr(self, "plugin"):
            raise TypeError(f"{type(self).__name__} needs `plugin`, the module that has the hooks")
        return value_of(self.plugin, self.kind, self.name)

    def test_its_hooks_yield_one_such_value(self) -> None:
        """Hooks are spelt right, marked, synchronous, and yield values of their type."""
        assert self.value.name

    def test_a_registered_entry_point_is_called_as_its_value(self) -> None:
        """By that name a plugin that fails is found when what it provides is asked for."""
        names = entry_points_of(self.plugin)
        expected = f"{self.kind}-{self.value.name}"
        assert names <= {expected}, f"the entry point of {self.plugin.__name__} is called {names}, not {expected}"

    def test_asking_twice_yields_the_same(self) -> None:
        """Hooks have no side effects."""
        assert self.value == self.value


def value_of(plugin: ModuleType, kind: str, name: str = "") -> Any:
    """What a plugin's module yields of a kind, called `name` if it yields more than one."""
    plugins = Plugins([Source(plugin.__name__, "the plugin under test", "", lambda: plugin)])
    assert not plugins.problems(), "\n".join(problem.report() for problem in plugins.problems())
    found = [value for value in plugins.all[0].values if kind_of(value) == kind]
    named = [value for value in found if name in ("", value.name)]
    names = ", ".join(value.name for value in found) or "none"
    assert len(named) == 1, (
        f"expected one {kind} {name}".rstrip() + f" of {plugin.__name__}, found: {names}. "
        "The class attribute `name` says which is tested."
    )
    return named[0]


def entry_points_of(plugin: ModuleType) -> set[str]:
    """The names of the installed entry points of a plugin's module."""
    registered = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return {entry.name for entry in registered if entry.value == plugin.__name__}


def numbered(values: Sequence[Any]) -> dict[str, Any]:
    """Ids for samples that have none."""
    return {str(number): value for number, value in enumerate(values)}


def raised_by(function: Callable[..., object], *arguments: object, **keywords: object) -> BaseException | None:
    """What calling `function` raises; None if it returns."""
    try:
        function(*arguments, **keywords)
    except (Exception, SystemExit) as error:  # it is a third party's, and looked at by the caller
        return error
    return None
