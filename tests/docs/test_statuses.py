"""docs/reference/statuses.md has every answer of the server's own."""

import re
from pathlib import Path

import pytest

from abeja.runtime import errors
from abeja.runtime.errors import RequestError

ROW = re.compile(r"^\| (\d{3}) \| (?:\[([a-z-]+)\]\(errors\.md#\2\))? ?\| (.*?) \| (.*?) \|", re.MULTILINE)


@pytest.fixture
def rows(repository: Path) -> list[tuple[str, ...]]:
    """Status, error, when, and what the client does."""
    rows = ROW.findall((repository / "docs/reference/statuses.md").read_text())
    assert rows
    return rows


def test_page_has_every_error_of_a_request_with_its_status(rows: list[tuple[str, ...]]) -> None:
    assert {(status, slug) for status, slug, *_ in rows if slug} == {
        (str(error.status), error.slug) for error in RequestError.__subclasses__()
    }


def test_page_says_when_to_try_again_where_the_answer_does(rows: list[tuple[str, ...]]) -> None:
    for error in RequestError.__subclasses__():
        (does,) = [does for _, slug, _, does in rows if slug == error.slug]
        said = re.search(r"Retry-After` \((\d+) s\)", does)
        assert (int(said[1]) if said else None) == error.retry_after_s, error.slug


def test_page_is_in_the_order_of_the_statuses(rows: list[tuple[str, ...]]) -> None:
    statuses = [int(status) for status, *_ in rows]

    assert statuses == sorted(statuses)
    assert vars(errors)["RequestError"].status == 500
