"""The help of a command with many options, in groups."""

import click

from abeja.runtime.options import Row

SERVED, ENVIRONMENT, SERVER, LIMITS, PLUGINS = (
    "What is served",
    "Python and packages",
    "Server",
    "Limits",
    "Plugins",
)
_OF_SECTIONS = {"packages": ENVIRONMENT, "server": SERVER, "plugins": PLUGINS}
_UNITS_OF_LIMITS = ("SECONDS", "SIZE")


class GroupedOption(click.Option):
    """An option that says where in the help it stands.

    Args:
        group: the heading; empty for the options that are the command's own.
    """

    def __init__(self, *args: object, group: str = "", **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # click's own arguments, passed on
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help has its own options first, and then the others in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # Newer versions of click have one for an argument too, which the usage and the text tell of.
            if record is not None and not isinstance(parameter, click.Argument):
                groups.setdefault(getattr(parameter, "group", ""), []).append(record)
        for group in ("", SERVED, ENVIRONMENT, SERVER, LIMITS, PLUGINS):
            if group in groups:
                with formatter.section(group or "Options"):
                    formatter.write_dl(groups[group])


def group_of(row: Row) -> str:
    """The heading of an option: that of its table in the file, but for limits and the Python."""
    section, _, name = row.key.partition(".")
    is_limit = row.metavar in _UNITS_OF_LIMITS or name.startswith("max_") or name == "queue"
    if section == "server" and is_limit:
        return LIMITS
    return ENVIRONMENT if name == "python" else _OF_SECTIONS.get(section, SERVED)
