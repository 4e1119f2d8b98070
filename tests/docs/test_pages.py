"""What every page keeps to: each command is run or says why not, each link leads somewhere, nothing is left out."""

import ast
import json
import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Languages of blocks, each with what tells that a block is well-formed.
LANGUAGES: dict[str, Callable[[str], object] | None] = {
    "console": None,
    "dockerfile": None,
    "ini": None,
    "json": json.loads,
    "nginx": None,
    "python": ast.parse,
    "sh": None,
    "text": None,
    "toml": tomllib.loads,
    "yaml": None,
}
DIRECTIVES = {"ci", "file", "not run", "serves"}
# Directives that need something to be said behind a colon.
WITH_ARGUMENT = DIRECTIVES - {"serves"}
# Comments that are no directives of a block: of a whole page, and what bench writes between.
OTHER_COMMENTS = re.compile(r"<!-- (?:from nothing|needs Python 3\.\d+|results: .+) -->")
COMMENT = re.compile(r"^<!-- .*$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)]*))?\)")
# With what shows that a command was meant, in a block that nothing runs.
PROMPT = re.compile(r"^\s*\$ ", re.MULTILINE)


def test_every_command_is_run_or_says_why_not(page: Path, blocks_of: Callable[[str], list[Any]]) -> None:
    for block in blocks_of(page.read_text()):
        where = f"{page}:{block.line}"
        assert not block.indent, f"{where}: an indented block is not seen by what runs the examples"
        assert block.language in LANGUAGES, f"{where}: {block.language!r} is not one of {', '.join(LANGUAGES)}"
        if block.language == "console":
            assert PROMPT.search(block.text), f"{where}: no line begins with `$ `"
            assert block.directive in {"", "serves", "not run"}, where
        else:
            is_meant = PROMPT.search(block.text) and block.directive != "not run"
            assert not is_meant, f"{where}: only a console block is run"
            assert block.language != "sh" or block.directive, f"{where}: make it a console block"


def test_directives_are_known_and_stand_above_a_block(page: Path, blocks_of: Callable[[str], list[Any]]) -> None:
    text = page.read_text()
    blocks = [block for block in blocks_of(text) if block.directive]
    comments = [comment for comment in COMMENT.findall(text) if not OTHER_COMMENTS.fullmatch(comment)]

    assert len(blocks) == len(comments), f"{page}: a comment above no block, or one that is misspelt: {comments}"
    for block in blocks:
        assert block.directive in DIRECTIVES, f"{page}:{block.line}: {block.directive}"
        assert bool(block.argument) == (block.directive in WITH_ARGUMENT), f"{page}:{block.line}: {block.directive}"


def test_code_is_well_formed(page: Path, blocks_of: Callable[[str], list[Any]]) -> None:
    for block in blocks_of(page.read_text()):
        check = LANGUAGES.get(block.language)
        # An excerpt says so by dots; what is written to a file may be wrong on purpose.
        if check and "..." not in block.text and block.directive != "file":
            try:
                check(block.text)
            except (SyntaxError, ValueError) as error:
                pytest.fail(f"{page}:{block.line}: {error}")


def test_links_lead_to_files_and_to_headings_that_exist(page: Path) -> None:
    text = page.read_text()
    for target, anchor in LINK.findall(text):
        path = (page.parent / target) if target else page
        assert path.exists(), f"{page}: {target}"
        if anchor:
            path = path / "README.md" if path.is_dir() else path
            assert anchor in _anchors(path.read_text()), f"{page}: {target}#{anchor}"


def test_index_has_every_page(repository: Path, pages: list[Path]) -> None:
    linked = {path for index in ("docs", "examples") for path in _linked(repository / index / "README.md")}

    assert [str(page) for page in pages if page not in linked and page.name != "README.md"] == []
    assert [str(page) for page in pages if page.match("examples/*/README.md") and page not in linked] == []


def test_index_names_each_page_once(repository: Path) -> None:
    entries = re.findall(r"^- \[[^]]+\]\(([^)#]+)\)", (repository / "docs/README.md").read_text(), re.MULTILINE)

    assert len(entries) == len(set(entries))


def test_readme_is_short_and_has_its_first_example_early(
    repository: Path, blocks_of: Callable[[str], list[Any]]
) -> None:
    text = (repository / "README.md").read_text()

    assert len(text.splitlines()) <= 120
    assert blocks_of(text)[0].line < 30


def test_pictures_are_of_this_project_and_say_in_words_what_they_show(repository: Path, page: Path) -> None:
    for words, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text()):
        picture = (page.parent / target).resolve()
        assert picture.is_relative_to(repository), target
        assert len(words.split()) >= 3, f"{page}: {target} has no words for those who do not see it"
        if picture.suffix == ".svg":
            # What a viewer of repositories does not load, or runs.
            names = {element.tag.rpartition("}")[2] for element in ET.parse(picture).iter()}  # noqa: S314 (ours)
            assert not names & {"script", "image", "use", "foreignObject"}, picture


def _linked(index: Path) -> set[Path]:
    return {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text()) if target}


def _anchors(text: str) -> set[str]:
    """The names of its headings, as a repository viewer makes them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    names: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower())
        name = words.strip().replace(" ", "-")
        names.append(f"{name}-{names.count(name)}" if name in names else name)
    return set(names)
