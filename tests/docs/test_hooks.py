"""docs/reference/hooks.md describes every hook, with its signature and a plugin that works."""

import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from abeja.runtime import (
    Abi,
    Encoder,
    Extractor,
    Fetch,
    Finding,
    HandlerCode,
    Image,
    Installer,
    Member,
    Plan,
    Remark,
    ResultSource,
    Review,
    Use,
    hookspecs,
)

SECTION = re.compile(r"^### `(abeja_\w+)(\(.*?\).*?)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs/reference/hooks.md").read_text()


def test_page_has_a_section_with_the_signature_of_each_hook(page: str) -> None:
    described = {name: signature for name, signature, _ in SECTION.findall(page)}

    assert described == {name: _signature(hook) for name, hook in _hooks().items()}


@pytest.mark.parametrize(
    "name",
    ["abeja_abis", "abeja_encoders", "abeja_extractors", "abeja_sources", "abeja_installers", "abeja_images"],
)
def test_section_has_the_example_of_the_specification(page: str, name: str) -> None:
    sections = {hook: body for hook, _, body in SECTION.findall(page)}
    example = re.search(r"Example::\n\n(.*?)\n\n\S", inspect.getdoc(_hooks()[name]) or "", re.DOTALL)
    assert example is not None

    assert textwrap.dedent(example[1]) in sections[name]


KINDS = [Abi, Encoder, Extractor, Member, ResultSource, Fetch, Installer, Plan, Image]
KINDS_OF_REVIEWS = [HandlerCode, Use, Review, Remark, Finding]


@pytest.mark.parametrize("kind", [*KINDS, *KINDS_OF_REVIEWS])
def test_page_names_every_field_of_the_values(page: str, kind: type[attrs.AttrsInstance]) -> None:
    section = re.search(rf"^## `{kind.__name__}`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None

    assert re.findall(r"^\| `(\w+)` \|", section[1], re.MULTILINE) == [field.name for field in attrs.fields(kind)]


def _hooks() -> dict[str, Callable[..., object]]:
    return {name: hook for name, hook in vars(hookspecs).items() if name.startswith("abeja_")}


def _signature(hook: Callable[..., object]) -> str:
    """As it is written, without the modules' names."""
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", str(inspect.signature(hook)))
