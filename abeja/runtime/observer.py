"""One implementation of an event hook."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from abeja.runtime.plugin_source import Source


@frozen(kw_only=True, eq=False)
class Observer:
    """A function of a plugin, or a method of an object that the plugin yielded, which hears of one kind of event.

    Attributes:
        source: the plugin.
        hook: the name of the event.
        function: what implements it.
        arguments: the names of those that it takes: all of the hook's, or fewer.
    """

    source: Source
    hook: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"the plugin {self.source}, asked by {self.hook},"

    def tell(self, event: Mapping[str, Any]) -> None:
        """Call it with an event, given by the names of the hook's arguments."""
        self.function(**{name: event[name] for name in self.arguments})
