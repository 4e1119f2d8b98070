"""The key of an environment: equal for equal recipes, different for anything that matters."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from abeja.runtime import Plan
from abeja.runtime.prepare.indexes import Indexes
from abeja.runtime.prepare.interpreters import server_interpreter
from abeja.runtime.prepare.recipe import Recipe

Evolve = Callable[[Recipe], Recipe]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """One to change."""
    (tmp_path / "requirements.txt").write_text("x\n")
    plan = Plan(
        source="requirements.txt",
        requirements=["--index-url https://${TOKEN}@host", "x"],
        names=["x"],
        read=[tmp_path / "requirements.txt"],
    )
    return Recipe(
        interpreter=server_interpreter(),
        plan=plan,
        provided=("numpy",),
        as_of=datetime.date(2019, 5, 1),
        tool="uv",
        indexes=Indexes.configured({"PIP_CONFIG_FILE": "/dev/null"}),
        folder=tmp_path,
        environ={"TOKEN": "1", "OTHER": "1"},
    )


def test_equal_recipes_have_one_key(recipe: Recipe, tmp_path: Path) -> None:
    assert attrs.evolve(recipe, interpreter=server_interpreter()).key == recipe.key
    assert attrs.evolve(recipe, environ={"TOKEN": "1", "OTHER": "2"}).key == recipe.key
    assert attrs.evolve(recipe, folder=tmp_path / "other").key == recipe.key


@pytest.mark.parametrize(
    "change",
    [
        {"provided": ("numpy", "scipy")},
        {"as_of": None},
        {"as_of": datetime.date(2019, 5, 2)},
        {"tool": "pip"},
        {"environ": {"TOKEN": "2"}},
        {"indexes": Indexes.configured({"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "https://other"})},
        {"plan": None},
    ],
    ids=str,
)
def test_whatever_decides_what_is_installed_changes_the_key(recipe: Recipe, change: dict[str, Any]) -> None:
    assert attrs.evolve(recipe, **change).key != recipe.key


def test_files_that_were_read_change_the_key(recipe: Recipe, tmp_path: Path) -> None:
    before = recipe.key
    (tmp_path / "requirements.txt").write_text("x  # comment\n")

    assert recipe.key != before


def test_a_project_to_install_changes_the_key_and_what_building_leaves_does_not(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe.plan is not None
    project = tmp_path / "project"
    project.mkdir()
    (project / "setup.py").write_text("")
    with_project = attrs.evolve(recipe, plan=attrs.evolve(recipe.plan, read=[project]))
    before = with_project.key
    (project / "build").mkdir()
    (project / "build" / "x.py").write_text("")
    assert with_project.key == before

    (project / "module.py").write_text("")
    assert with_project.key != before
