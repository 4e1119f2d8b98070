"""Generated replies: the original and our worker answer alike, or a named row says why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given

from compat.generated import replies, returning, workers
from compat.generated.rows import ROWS, Row, explanation
from compat.generated.settings import examples
from compat.generated.workers import Workers
from compat.outcomes import Failure, Outcome
from compat.pairs import Content, Request

pytestmark = pytest.mark.timeout(300)  # the first run on a machine installs the original


@pytest.fixture(scope="module")
def both(original_environment: Path) -> Iterator[Workers]:
    with workers.started(Path(returning.__file__), environment=original_environment) as both:
        yield both


def asking_for(reply: object) -> Request:
    return Request(contents=(Content(body=ascii(reply).encode()),))


def are_alike(theirs: Outcome, ours: Outcome) -> bool:
    """Whether both answered the same, or both refused, in their own words."""
    return (isinstance(theirs, Failure) and isinstance(ours, Failure)) or theirs == ours


def assert_alike(reply: object, both: Workers) -> None:
    theirs, ours = both.original(asking_for(reply)), both.ours(asking_for(reply))
    if not are_alike(theirs, ours):
        rows, plain = explanation(reply)
        instead = both.original(asking_for(plain))
        assert rows, f"no row is about {reply!r}: {theirs} but {ours}"
        assert are_alike(instead, ours), f"{reply!r} is not {plain!r}, as {rows} say: {instead} but {ours}"


@given(reply=replies.contents())
@examples(700)
def test_contents_are_answered_alike(both: Workers, reply: object) -> None:
    assume(replies.is_reproducible(reply))
    assert_alike(reply, both)


@given(reply=replies.heads())
@examples(500)
def test_heads_are_answered_alike(both: Workers, reply: object) -> None:
    assert_alike(reply, both)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_needed_and_explains_its_example(both: Workers, row: Row) -> None:
    theirs, ours = both.original(asking_for(row.example)), both.ours(asking_for(row.example))
    assert not are_alike(theirs, ours), "there is no difference any more"
    rows, plain = explanation(row.example)
    assert rows == (row.name,)
    assert are_alike(both.original(asking_for(plain)), ours)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_documented(row: Row) -> None:
    page = Path(__file__).parent.parent / "docs" / "explanation" / "compatibility.md"
    documented = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert any(row.documented in line.split(" | ")[0] for line in documented)
