"""The table of commands, which is listed without importing them."""

import inspect
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_help_lists_options_and_no_summary_is_cut(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None

    _, _, options = command.get_help(click.Context(command, info_name=name)).partition("Options:\n")
    assert not [line for line in options.splitlines() if line.startswith("  [")]
    assert not [item.help for item in cli.shell_complete(context, name) if str(item.help).endswith("...")]


def test_help_has_the_default_of_a_switch_that_is_on() -> None:
    serve = cli.get_command(click.Context(cli), "serve")
    assert serve is not None

    assert "[default: --console]" in " ".join(serve.get_help(click.Context(serve)).split())


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_config_show_tells_no_secret_of_the_handlers_variables(form: list[str]) -> None:
    variables = ["--environment", "API_TOKEN:hunter2", "--environment", "GREETING:hello"]
    result = CliRunner().invoke(cli, ["config", "show", *variables, *form], catch_exceptions=False)

    assert "hello" in result.output
    assert "***" in result.output
    assert "hunter2" not in result.output


def test_doctor_says_the_day_of_an_image_that_names_no_python(tmp_path: Path) -> None:
    (tmp_path / "abeja-runtime.toml").write_text('[image.our]\nbase = "latest"\nreleased = 2019-05-01\n')

    result = CliRunner().invoke(cli, ["doctor", "--model-dir", str(tmp_path)], catch_exceptions=False)

    assert re.search(r"^our +on Python \S+, the server's own, packages as of 2019-05-01$", result.output, re.MULTILINE)
