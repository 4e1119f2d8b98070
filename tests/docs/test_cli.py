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


def test_the_help_of_every_command_has_an_example(commands: list[str], command: Path) -> None:
    for name in commands:
        own = name.removeprefix("model ")
        text = _help(command, *name.split())
        # `completion` has one for each shell.
        assert re.search(rf"^      .*abeja-runtime ({own}\b|-)", text, re.MULTILINE), name


def test_the_help_of_a_command_with_many_options_is_in_groups(command: Path) -> None:
    headings = re.findall(r"^([A-Z][a-z ]+[A-Za-z]*):$", _help(command, "serve"), re.MULTILINE)

    assert headings == ["Options", "What is served", "Python and packages", "Server", "Limits", "Plugins"]


def _commands(command: Path, *group: str) -> list[str]:
    _, _, listing = _help(command, *group).partition("\nCommands:\n")
    return re.findall(r"^  ([a-z-]+)", listing, re.MULTILINE)


def _help(command: Path, *arguments: str) -> str:
    return subprocess.run([command, *arguments, "--help"], capture_output=True, text=True, check=True).stdout


def _flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z_0-9-]+", text))
