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
    Log,
    Member,
    Plan,
    Remark,
    RequestRecord,
    ResultSource,
    Review,
    Service,
    State,
    Use,
    WorkerEnd,
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
    [name for name in vars(hookspecs) if name.startswith("abeja_")],
)
def test_section_has_the_example_of_the_specification(page: str, name: str) -> None:
    sections = {hook: body for hook, _, body in SECTION.findall(page)}
    example = re.search(r"Example::\n\n(.*?)\n\n\S", inspect.getdoc(_hooks()[name]) or "", re.DOTALL)
    assert example is not None

    assert textwrap.dedent(example[1]) in sections[name]


KINDS = [Abi, Encoder, Extractor, Member, ResultSource, Fetch, Installer, Plan, Image]
KINDS_OF_REVIEWS = [HandlerCode, Use, Review, Remark, Finding]
KINDS_OF_EVENTS = [WorkerEnd, Service, State]


@pytest.mark.parametrize("kind", [*KINDS, *KINDS_OF_REVIEWS, *KINDS_OF_EVENTS])
def test_page_names_every_field_of_the_values(page: str, kind: type[attrs.AttrsInstance]) -> None:
    assert _members(page, kind) == [field.name for field in attrs.fields(kind)]


def test_page_names_every_field_of_a_record(page: str) -> None:
    assert _members(page, RequestRecord) == list(RequestRecord._fields)


def test_page_names_every_member_of_the_log(page: str) -> None:
    methods = [name for name in vars(Log) if not name.startswith("_")]

    assert _members(page, Log) == [*Log.__annotations__, *methods]


def test_there_are_no_more_than_ten_hooks() -> None:
    assert len(_hooks()) <= 10


def _members(page: str, kind: type) -> list[str]:
    section = re.search(rf"^## `{kind.__name__}`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    return re.findall(r"^\| `(\w+)(?:\(\w+\))?` \|", section[1], re.MULTILINE)


def _hooks() -> dict[str, Callable[..., object]]:
    return {name: hook for name, hook in vars(hookspecs).items() if name.startswith("abeja_")}


def _signature(hook: Callable[..., object]) -> str:
    """As it is written, without the modules' names."""
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", str(inspect.signature(hook)))
