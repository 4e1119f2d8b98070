"""The pages of the documentation, and the blocks of code in them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
# Those whose commands are run.
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})(.*)$")
DIRECTIVE = re.compile(r"^<!-- ([a-z ]+?)(?:: (.+))? -->$")
# A page that installs abeja-runtime takes longer than one that has it.
FROM_NOTHING = "<!-- from nothing -->"
INSTALLATION_TIMEOUT_S = 300


@frozen(kw_only=True)
class Block:
    """A block of code in a page.

    Attributes:
        language: behind its fence; may be empty.
        directive: the comment in the line above it, such as ``file``; may be empty.
        argument: what the comment says behind a colon.
        indent: of its fence.
        line: the number of its fence's line, from 1.
    """

    language: str
    directive: str
    argument: str
    text: str
    indent: str
    line: int


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that has an argument `page` on every page."""
    if "page" in metafunc.fixturenames and metafunc.module.__name__.endswith(("test_examples", "test_pages")):
        pages = [pytest.param(page, id=str(page.relative_to(ROOT)), marks=_marks(page)) for page in PAGES]
        metafunc.parametrize("page", pages)


def _marks(page: Path) -> list[pytest.MarkDecorator]:
    is_installed = FROM_NOTHING in page.read_text()
    return [pytest.mark.slow, pytest.mark.timeout(INSTALLATION_TIMEOUT_S)] if is_installed else []


@pytest.fixture(scope="session")
def pages() -> list[Path]:
    """All pages whose commands are run."""
    return PAGES


@pytest.fixture(scope="session")
def blocks_of() -> Callable[[str], list[Block]]:
    """Gives the blocks of a page's text."""
    return lambda text: list(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    above, lines = "", iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if opening := FENCE.match(line):
            indent, fence, language = opening.groups()
            body: list[str] = []
            for _, inner in lines:
                if (closing := FENCE.match(inner)) and closing[2].startswith(fence) and not closing[3]:
                    break
                body.append(inner)
            directive = DIRECTIVE.match(above)
            yield Block(
                language=language.strip(),
                directive=directive[1] if directive else "",
                argument=(directive[2] or "") if directive else "",
                text="".join(f"{inner}\n" for inner in body),
                indent=indent,
                line=number,
            )
            above = ""
        else:
            above = line
