"""The table of commands, which is listed without importing them."""

import inspect

import click
import pytest

from abeja.runtime.cli import cli


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_a_summary_is_the_beginning_of_the_commands_help(name: str) -> None:
    context = click.Context(cli)
    summaries = {item.value: item.help for item in cli.shell_complete(context, "")}
    command = cli.get_command(context, name)
    assert command is not None

    first, _, _ = inspect.cleandoc(command.help or "").partition("\n\n")
    assert summaries[name] is not None
    assert " ".join(first.split()) == summaries[name] or isinstance(command, click.Group)


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [(["srve"], "'serve'"), (["serve", "--wrkers", "3"], "--workers"), (["--handlr", "a:b"], "--handler")],
)
def test_what_does_not_exist_is_answered_with_the_nearest(arguments: list[str], suggestion: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        cli.main(args=arguments, standalone_mode=False)

    assert "Did you mean" in raised.value.format_message()
    assert suggestion in raised.value.format_message()
