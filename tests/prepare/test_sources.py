"""Which source takes what --training-result says."""

import types
from collections.abc import Callable, Iterator

import pytest

from abeja.runtime import ResultSource, hookimpl
from abeja.runtime.errors import PluginConflictError, PluginValueInvalidError, SourceUnknownError
from abeja.runtime.plugin_source import Source
from abeja.runtime.plugins import Plugins


def plugin(name: str, takes: Callable[[str], bool]) -> Source:
    @hookimpl
    def abeja_sources() -> Iterator[ResultSource]:
        yield ResultSource(name=name, takes=takes, state=lambda _: "", fetch=lambda _, fetch: fetch.folder)

    module = types.ModuleType("third_party")
    vars(module)["abeja_sources"] = abeja_sources
    return Source(f"source-{name}", "dist", "1.2", lambda: module)


def raising(_: str) -> bool:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("result.tar.gz", "file"),
        ("/a/b", "file"),
        ("FILE:///a", "file"),
        ("C:x", "file"),
        ("http://host/x", "http"),
        ("HTTPS://host/x", "http"),
    ],
)
def test_built_in_sources_share_paths_and_urls(text: str, name: str) -> None:
    assert Plugins.installed().source(text).name == name


def test_what_no_source_takes_is_an_error_that_lists_them() -> None:
    with pytest.raises(SourceUnknownError, match=r"no plugin provides the source of 'x' .*\nKnown: one \(dist 1\.2\)"):
        Plugins([plugin("one", lambda _: False)]).source("x")


def test_what_two_sources_take_is_an_error_that_names_both() -> None:
    with pytest.raises(PluginConflictError, match=r"source-one \(dist 1\.2\) and source-two \(dist 1\.2\)"):
        Plugins([plugin("one", lambda _: True), plugin("two", lambda _: True)]).source("x")


def test_source_that_raises_is_named() -> None:
    with pytest.raises(PluginValueInvalidError, match=r"source-one .* RuntimeError: broken"):
        Plugins([plugin("one", raising)]).source("x")
