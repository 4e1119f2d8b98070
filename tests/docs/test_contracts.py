"""docs/reference/contracts.md names what `abeja.runtime.testing` has, and hooks.md what a worker half is given."""

import re
from pathlib import Path

import attrs
import pytest

from abeja.runtime import testing
from abeja.runtime.worker.large_bodies import LargeBodies
from abeja.runtime.worker.message import Content, Message
from abeja.runtime.worker.services import Services

REQUEST = {
    "request_id": "1",
    "method": "POST",
    "path": "/",
    "query": "",
    "content_type": None,
    "headers": [],
    "contents": [{"size": 0}],
    "client_ip": "",
    "timeout_s": None,
}
CONTRACTS = [name for name in testing.__all__ if name.endswith("Contract")]


@pytest.fixture
def sections(repository: Path) -> dict[str, str]:
    """Class -> its section."""
    text = (repository / "docs/reference/contracts.md").read_text()
    return dict(re.findall(r"^## `(\w+)`.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def test_page_names_every_public_name(repository: Path) -> None:
    text = (repository / "docs/reference/contracts.md").read_text()

    assert [name for name in testing.__all__ if f"`{name}" not in text] == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_section_lists_what_a_subclass_may_set(sections: dict[str, str], name: str) -> None:
    contract = getattr(testing, name)
    settable = set(contract.__annotations__) - {"kind"}
    if name == "SourceContract":
        settable |= {"publish", "missing"}

    assert set(re.findall(r"^\| `(\w+)[`(]", sections[name], re.MULTILINE)) == settable


@pytest.mark.parametrize("kind", [testing.Exchange, testing.Archive])
def test_page_names_every_field_of_the_samples(repository: Path, kind: type[attrs.AttrsInstance]) -> None:
    text = (repository / "docs/reference/contracts.md").read_text()
    (arguments,) = re.findall(rf"`{kind.__name__}\((.+?)\)`", text)

    assert re.findall(r"(\w+)(?:=[^,]+)?(?:, |$)", arguments) == [field.name for field in attrs.fields(kind)]


def test_hooks_name_everything_that_an_adapter_is_given(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs/reference/hooks.md").read_text()
    (section,) = re.findall(r"^## The worker half of an ABI\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    message = Message(REQUEST, b"", LargeBodies(str(tmp_path)))
    # `close` is for the worker, which closes both.
    given = {*_public(message), *_public(Services([], "0"))} - {"close"}

    assert {name for name in given if not re.search(rf"`{name}(\([^`]*\))?`", section)} == set()
    assert {name for name in _public(message.contents[0]) if f"`{name}`" not in section} == set()
    assert isinstance(message.contents[0], Content)
    message.close()


def _public(value: object) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}
