"""Plugins: pluggy's traps are errors with a name, a distribution and a version."""

import types
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime import Abi, Encoder, Image, hookimpl
from abeja.runtime.errors import (
    EncoderUnknownError,
    ImageInvalidError,
    ImageUnknownError,
    PluginConflictError,
    PluginError,
    PluginHookAsyncError,
    PluginHookMissingError,
    PluginHookUnknownError,
    PluginImportFailedError,
    PluginNameDuplicateError,
    PluginValueInvalidError,
)
from abeja.runtime.images import Images
from abeja.runtime.plugin_source import Source
from abeja.runtime.plugins import Plugins

HERE = Path(__file__)


def plugin(hook: str, function: Callable[..., Any], *, is_marked: bool = True) -> types.ModuleType:
    module = types.ModuleType("third_party")
    setattr(module, hook, hookimpl(function) if is_marked else function)
    return module


def yields(*values: object) -> types.ModuleType:
    def encoders() -> Iterator[object]:
        yield from values

    return plugin("abeja_encoders", encoders)


def source(name: str, module: Any, distribution: str = "dist") -> Source:
    return Source(name, distribution, "1.2", lambda: module)


def encoder(name: str) -> Encoder:
    return Encoder(name=name, worker=HERE)


SHARED = yields()


def raising() -> Iterator[Encoder]:
    raise RuntimeError("broken")


async def asynchronous() -> AsyncIterator[Encoder]:
    yield encoder("x")


def failing_import() -> Any:
    raise ImportError("no such library")


def test_values_are_found_by_name_whatever_the_order() -> None:
    plugins = Plugins([source("encoder-a", yields(encoder("a"))), source("encoder-b", yields(encoder("b")))])

    assert plugins.encoder("b", asked_by="a test").name == "b"
    assert plugins.encoder("a", asked_by="a test").name == "a"
    assert plugins.problems() == []


@pytest.mark.parametrize(
    ("sources", "error", "words"),
    [
        (
            [source("encoder-x", yields(encoder("x")), "one"), source("encoder-x", yields(encoder("x")), "two")],
            PluginNameDuplicateError,
            ["'encoder-x'", "one 1.2", "two 1.2"],
        ),
        (
            [source("encoder-x", yields(encoder("x")), "one"), source("encoder-y", yields(encoder("x")), "two")],
            PluginConflictError,
            ["encoder 'x'", "encoder-x (one 1.2)", "encoder-y (two 1.2)"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoder", raising))],
            PluginHookUnknownError,
            ["encoder-x (dist 1.2)", "abeja_encoder,", "did you mean abeja_encoders?"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoders", lambda: iter(()), is_marked=False))],
            PluginHookUnknownError,
            ["encoder-x (dist 1.2)", "not marked", "@hookimpl"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoders", asynchronous))],
            PluginHookAsyncError,
            ["encoder-x (dist 1.2)", "abeja_encoders", "coroutine"],
        ),
        (
            [Source("encoder-x", "dist", "1.2", failing_import)],
            PluginImportFailedError,
            ["encoder-x (dist 1.2)", "ImportError: no such library"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoders", raising))],
            PluginValueInvalidError,
            ["encoder-x (dist 1.2)", "RuntimeError: broken"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoders", lambda config: [config]))],
            PluginValueInvalidError,
            ["encoder-x (dist 1.2)", "another form than its specification", "config"],
        ),
        (
            [source("encoder-w", SHARED), source("encoder-x", SHARED)],
            PluginNameDuplicateError,
            ["encoder-x (dist 1.2)", "another entry point"],
        ),
        (
            [source("encoder-x", yields("x"))],
            PluginValueInvalidError,
            ["encoder-x (dist 1.2)", "yielded 'x'", "expected Encoder values"],
        ),
        (
            [source("encoder-x", types.ModuleType("third_party"))],
            PluginHookMissingError,
            ["encoder-x (dist 1.2)", "implements no hook"],
        ),
        (
            [source("encoder-x", plugin("abeja_encoders", lambda: None))],
            PluginValueInvalidError,
            ["encoder-x (dist 1.2)"],
        ),
    ],
)
def test_a_broken_plugin_is_an_error_when_asked_for_and_a_problem_otherwise(
    sources: list[Source], error: type[PluginError], words: list[str]
) -> None:
    plugins = Plugins([*sources, source("encoder-good", yields(encoder("good")))])

    assert plugins.encoder("good", asked_by="a test").name == "good"
    assert {type(problem) for problem in plugins.problems()} == {error}
    with pytest.raises(error) as caught:
        plugins.encoder("x", asked_by="a test")
    for word in words:
        assert word in caught.value.report()


def test_a_hook_may_be_implemented_under_another_name() -> None:
    module = types.ModuleType("third_party")
    module.mine = hookimpl(lambda: iter([encoder("x")]), specname="abeja_encoders")  # type: ignore[attr-defined]

    assert Plugins([source("encoder-x", module)]).encoder("x", asked_by="a test").name == "x"


def images(*names: str) -> types.ModuleType:
    return plugin("abeja_images", lambda: iter([Image(name=name, abi="a", encoders=[]) for name in names]))


def test_images_of_plugins_say_where_they_come_from() -> None:
    plugins = Plugins([source("image-x", images("x"), "dist")])

    image = Images(provided=plugins.images(), conflicts=plugins.conflicts("image")).select("x")

    assert image.origin == "the plugin image-x (dist 1.2)"


@pytest.mark.parametrize("name", ["x", "19.04"])
def test_an_image_that_is_defined_twice_is_an_error_when_it_is_selected(name: str) -> None:
    plugins = Plugins([source("image-x", images("x", "19.04"), "one"), source("image-y", images("x"), "two")])
    known = Images(provided=plugins.images(), conflicts=plugins.conflicts("image"))

    assert known.select("20.10").name == "20.10"
    with pytest.raises(PluginConflictError, match=f"the image '{name}' is provided by both .+ and "):
        known.select(name)


def test_what_nobody_provides_is_an_error_that_lists_what_there_is() -> None:
    plugins = Plugins([source("encoder-a", yields(encoder("a")))])

    with pytest.raises(EncoderUnknownError) as caught:
        plugins.encoder("b", asked_by='my.toml, image "m"')
    report = caught.value.report()
    assert "no plugin provides the encoder 'b' (asked for by my.toml, image \"m\")" in report
    assert "Known: a (dist 1.2)" in report


def test_blocked_plugins_are_not_loaded_and_named_when_missed() -> None:
    plugins = Plugins([Source("encoder-x", "dist", "1.2", failing_import)], blocked=["encoder-*"])

    assert plugins.problems() == []
    with pytest.raises(EncoderUnknownError) as caught:
        plugins.encoder("x", asked_by="a test")
    assert "Not in service: encoder-x (dist 1.2) is blocked" in caught.value.report()


def test_values_are_checked_where_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no file"):
        Encoder(name="x", worker=tmp_path / "missing.py")
    with pytest.raises(ValueError, match="expected a name"):
        Encoder(name=" ", worker=HERE)


def abis(**fields: Any) -> types.ModuleType:
    return plugin("abeja_abis", lambda: iter([Abi(name="x", worker=HERE, **fields)]))


def test_variables_of_an_abi_are_made_of_the_folder_and_the_handler() -> None:
    def variables(folder: Path, handler: str) -> dict[str, str]:
        return {"WHERE": str(folder), "WHAT": handler}

    plugins = Plugins([source("abi-x", abis(variables=variables))])
    abi = plugins.abi("x", asked_by="a test")

    assert plugins.variables(abi, folder=Path("/m"), handler="a:b") == {"WHERE": "/m", "WHAT": "a:b"}


@pytest.mark.parametrize("given", [{"A": 1}, {1: "a"}, {"": "a"}, {"A=": "a"}, {"A": "\0"}, None, "A"])
def test_variables_that_no_environment_can_have_name_the_plugin(given: Any) -> None:
    plugins = Plugins([source("abi-x", abis(variables=lambda *_: given))])
    abi = plugins.abi("x", asked_by="a test")

    with pytest.raises(PluginValueInvalidError, match=r"the plugin abi-x \(dist 1\.2\)"):
        plugins.variables(abi, folder=Path(), handler="a:b")


def test_an_image_with_neither_abi_nor_base_names_the_plugin() -> None:
    plugins = Plugins([source("image-x", plugin("abeja_images", lambda: iter([Image(name="x")])))])

    assert plugins.images() == []
    assert "image-x (dist 1.2) raised in abeja_images: ValueError: the image 'x'" in plugins.problems()[0].message


def test_a_wrong_option_of_a_plugins_image_is_an_error_when_it_is_asked_for() -> None:
    image = Image(name="x", abi="a", options={"timout": 5}, origin="the plugin image-x")
    images = Images(provided=[image])

    with pytest.raises(ImageInvalidError, match=r"the plugin image-x: .*timout is not an option of an image"):
        images.select("x")


def test_an_unknown_image_names_the_plugins_that_are_not_in_service() -> None:
    plugins = Plugins([source("image-x", plugin("abeja_images", raising)), source("abi-x", abis())], blocked=["abi-*"])

    with pytest.raises(ImageUnknownError) as caught:
        Images(provided=plugins.images(), not_in_service=plugins.not_in_service()).select("x")

    assert "Not in service: abi-x (dist 1.2) is blocked, image-x (dist 1.2) is failed." in caught.value.hint


def test_an_alias_of_two_images_is_an_error_that_names_both() -> None:
    known = Images(provided=[Image(name=name, abi="a", aliases=["z"], origin=f"the plugin {name}") for name in "xy"])

    assert known.select("x").name == "x"
    with pytest.raises(PluginConflictError, match=r"'x' \(the plugin x\) and 'y' \(the plugin y\)"):
        known.select("z")


def test_an_image_whose_base_is_defined_twice_is_an_error_when_it_is_selected() -> None:
    derived = plugin("abeja_images", lambda: iter([Image(name="d", base="x")]))
    plugins = Plugins([source("image-d", derived), source("image-x", images("x")), source("image-y", images("x"))])
    known = Images(provided=plugins.images(), conflicts=plugins.conflicts("image"))

    with pytest.raises(PluginConflictError, match="the image 'x' is provided by both"):
        known.select("d")
