"""A group of commands that are imported when they are run: what only lists them stays fast."""

import difflib
import importlib
from collections.abc import Mapping, Sequence

import click
from attrs import frozen
from click.shell_completion import CompletionItem


@frozen
class Entry:
    """One command of a group.

    Attributes:
        module: of this package.
        function: the command in it.
        summary: the first line of its help.
    """

    module: str
    function: str
    summary: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    Args:
        lazy: the commands by their names.
        default: the command that is meant when there is none.
        name: of the group.
        help: of the group.
    """

    def __init__(self, *, lazy: Mapping[str, Entry], default: str | None = None, name: str, help: str) -> None:  # noqa: A002 (click's name)
        super().__init__(name=name, help=help, context_settings={"help_option_names": ["--help"]})
        self._lazy = lazy
        self._default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command."""
        entry = self._lazy.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"{__package__}.{entry.module}"), entry.function)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command, options are those of the default one."""
        is_own = bool(args) and (not args[0].startswith("-") or args[0] in ("--help", "--version"))
        # Nothing yet, for completion: a command may follow.
        if self._default and not is_own and (args or not ctx.resilient_parsing):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click; a command that there is not is answered with the nearest one."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{suggestion}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(self._summaries(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and the options of the default one."""
        if not incomplete.startswith("-"):
            return [
                CompletionItem(name, help=summary)
                for name, summary in self._summaries(ctx)
                if name.startswith(incomplete)
            ]
        own = click.Command.shell_complete(self, ctx, incomplete)
        default = self.get_command(ctx, self._default) if self._default else None
        names = {item.value for item in own}
        of_default: Sequence[CompletionItem] = default.shell_complete(ctx, incomplete) if default else []
        return [*own, *(item for item in of_default if item.value not in names)]

    def _summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        added = [(name, self.get_command(ctx, name)) for name in super().list_commands(ctx)]
        return [
            *((name, entry.summary) for name, entry in self._lazy.items()),
            *((name, command.get_short_help_str(80)) for name, command in added if command is not None),
        ]
