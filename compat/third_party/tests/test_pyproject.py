"""Plans made of pyproject.toml."""

from collections.abc import Callable
from pathlib import Path

import pytest
from abeja.runtime import Plan
from abeja.runtime.testing import InstallerContract

import abeja_runtime_lambda.pyproject
from abeja_runtime_lambda.pyproject import plan

Planned = Callable[[str], Plan]


class TestPyproject(InstallerContract):
    plugin = abeja_runtime_lambda.pyproject
    samples = (
        {"pyproject.toml": '[project]\nrequires-python = ">=3.8"\ndependencies = ["numpy>=1.20", "six"]\n'},
        {"pyproject.toml": ""},
        {"pyproject.toml": '[tool.poetry.dependencies]\nnumpy = "*"\n'},
    )
    broken = (
        {"pyproject.toml": "[project"},
        {"pyproject.toml": b"# \xff"},
        {"pyproject.toml": '[project]\ndynamic = ["dependencies"]\n'},
    )


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    def plan_of(text: str) -> Plan:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        return plan(tmp_path, {})

    return plan_of


def test_dependencies_and_the_python_are_taken(planned: Planned, tmp_path: Path) -> None:
    found = planned(
        '[project]\nname = "x"\nrequires-python = ">=3.8,<3.12"\n'
        'dependencies = ["numpy>=1.20", "Pillow[x]==9.0; python_version<\'3.9\'", "a @ file:///a.whl"]\n'
    )

    assert found.requirements == ("numpy>=1.20", "Pillow[x]==9.0; python_version<'3.9'", "a @ file:///a.whl")
    assert found.names == {"numpy", "Pillow", "a"}
    assert (found.python, found.source) == (">=3.8,<3.12", "pyproject.toml")
    assert (found.read, found.warnings) == ((tmp_path / "pyproject.toml",), ())


def test_a_file_for_tools_alone_asks_for_nothing(planned: Planned) -> None:
    found = planned("[tool.black]\nline-length = 100\n")

    assert (found.requirements, found.python, found.warnings) == ((), None, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.poetry.dependencies]\nnumpy = "*"\n', "[tool.poetry] is not read"),
        ('[project]\nname = "x"\n[tool.uv.sources]\na = { path = "a" }\n', "[tool.uv.sources] has no effect"),
    ],
)
def test_what_is_not_read_is_said(planned: Planned, text: str, words: str) -> None:
    (warning,) = planned(text).warnings

    assert words in warning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project", "Expected"),
        ('project = "x"\n', "project is no table"),
        ('[project]\ndependencies = "numpy"\n', "expected a list of texts"),
        ("[project]\ndependencies = [1]\n", "expected a list of texts"),
        ('[project]\ndependencies = ["-r other.txt"]\n', "names no distribution"),
        ('[project]\ndynamic = ["dependencies"]\n', "its dependencies are dynamic"),
        ("[project]\nrequires-python = 3.8\n", "requires-python: expected text"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(planned: Planned, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        planned(text)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# \xff")

    with pytest.raises(ValueError, match="not UTF-8"):
        plan(tmp_path, {})
