"""docs/reference/environment-variables.md has every variable that the code knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from abeja.runtime.model import TRAINING_RESULT_VARIABLE
from abeja.runtime.options import rows
from abeja.runtime.pool import guardian_main

# What begins so, and is in capitals, is a variable of the environment wherever it stands in the code.
NAME = re.compile(r"(?:ABEJA|NO|PIP|PIPENV|PYENV|PYTHON|SERVICE|SSL|TRAINING|UV|VIRTUAL|XDG)(?:_[A-Z]+)+|PYTHON[A-Z]+")
# So is what an environment is asked for.
ASKED = re.compile(r"environ(?:\.get\(|\[)\"(\w+)\"[]),]")


@pytest.fixture
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs/reference/environment-variables.md").read_text()


def test_page_has_every_variable_of_the_code(page: str, repository: Path) -> None:
    known = set(_variables(repository)) | {TRAINING_RESULT_VARIABLE, guardian_main.VARIABLE}
    options = {row.variable for row in rows().values()}

    assert {"PIP_INDEX_URL", "XDG_CACHE_HOME", "ABEJA_RUNTIME_CONFIG", "NO_COLOR"} <= known
    assert sorted(name for name in known - options if f"`{name}`" not in page) == []


def test_page_names_no_variable_of_ours_that_does_not_exist(page: str, repository: Path) -> None:
    known = set(_variables(repository)) | {row.variable for row in rows().values()}

    assert sorted(name for name in re.findall(r"`(ABEJA_RUNTIME_\w+)`", page) if name not in known) == []


def test_variables_that_are_passed_on_are_those_of_the_configuration(page: str, repository: Path) -> None:
    other = (repository / "docs/reference/configuration.md").read_text().partition("## Variables for the handler")[2]
    passed_on = re.findall(r"`([A-Z_]+)`", page.partition("## Passed on")[2])

    assert passed_on
    assert [name for name in passed_on if f"`{name}`" not in other] == []


def _variables(repository: Path) -> Iterator[str]:
    for folder in ("abeja", "plugins"):
        for path in (repository / folder).rglob("*.py"):
            text = path.read_text()
            yield from ASKED.findall(text)
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                    yield node.value
    # These are put together of pip's names.
    indexes = (repository / "abeja/runtime/prepare/indexes.py").read_text()
    (names,) = re.findall(r"^_SETTINGS = \{\n(.*?)^\}", indexes, re.MULTILINE | re.DOTALL)
    yield from (f"PIP_{name.upper().replace('-', '_')}" for name in re.findall(r'"([a-z-]+)":', names))
