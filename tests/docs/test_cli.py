"""docs/reference/cli.md describes every command with each of its options."""

import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def sections(repository: Path) -> dict[str, str]:
    """Command -> its section."""
    text = (repository / "docs/reference/cli.md").read_text()
    return dict(re.findall(r"^## `abeja-runtime ([a-z -]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def commands(command: Path) -> list[str]:
    """The commands that the program has, such as ``config show``."""
    names = _commands(command)
    groups = {name: _commands(command, name) for name in names}
    return [f"{name} {sub}".strip() for name in names for sub in groups[name] or [""]]


def test_every_command_has_a_section(sections: dict[str, str], commands: list[str]) -> None:
    assert sorted(sections) == sorted(commands)


def test_every_section_names_the_options_that_are_of_its_command_alone(
    sections: dict[str, str], commands: list[str], command: Path, repository: Path
) -> None:
    shared = _flags((repository / "docs/reference/configuration.md").read_text())
    for name in commands:
        own = _flags(_help(command, *name.split())) - shared - {"--help"}
        # The commands of `model` are those of the same name.
        assert own <= _flags(sections[name.removeprefix("model ")]), name


def _commands(command: Path, *group: str) -> list[str]:
    _, _, listing = _help(command, *group).partition("\nCommands:\n")
    return re.findall(r"^  ([a-z-]+)", listing, re.MULTILINE)


def _help(command: Path, *arguments: str) -> str:
    return subprocess.run([command, *arguments, "--help"], capture_output=True, text=True, check=True).stdout


def _flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z_0-9-]+", text))
