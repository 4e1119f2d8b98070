"""Click options made from the rows of `abeja.runtime.options`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
import click
from click.shell_completion import CompletionItem

from abeja.runtime.cli.grouped_help import GroupedOption, group_of
from abeja.runtime.options import Options, Row, rows

_Command = TypeVar("_Command", bound=Callable[..., Any])

# What any command needs that loads a handler.
MODEL_OPTIONS = (
    "image",
    "image_version",
    "handler",
    "model_dir",
    "environment",
    "python",
    "training_result",
    "max_training_result",
    "env",
    "as_of",
    "installer",
)
COMMON_OPTIONS = ("plugin", "block_plugin", "log_level", "log_format")


def with_options(*names: str, defaults: Mapping[str, Any] | None = None) -> Callable[[_Command], _Command]:
    """Give a command the options `names`, and ``--config``; the values are what the flags said, else None.

    Args:
        names: of the options.
        defaults: of this command, where they are not those of the options, for the help.
    """

    def decorate(command: _Command) -> _Command:
        command = click.option(
            "--config",
            metavar="FILE",
            help="Configuration file. [abeja-runtime.toml in the model's folder]",
            shell_complete=complete,
        )(command)
        table = rows()
        for name in reversed(names):
            built_in = getattr(attrs.fields(Options), name).default
            command = _click_option(name, table[name], (defaults or {}).get(name, built_in))(command)
        return command

    return decorate


def _click_option(name: str, row: Row, default: Any) -> Callable[[_Command], _Command]:
    is_switch = isinstance(default, bool)
    shown = f" [default: {_shown(default)}]" if isinstance(default, str | int | float) and not is_switch else ""
    if is_switch and default:
        shown = f" [default: {row.flags[0].partition('/')[0]}]"
    # Without its flag, a switch says nothing: another layer may have turned it on.
    kind: dict[str, Any] = {"is_flag": True, "default": None} if is_switch else {"metavar": row.metavar}
    return click.option(
        *row.flags,
        name,
        multiple=row.is_repeatable,
        help=f"{row.help}{shown} [{row.variable}]",
        cls=GroupedOption,
        group=group_of(row),
        shell_complete=complete,
        **kind,
    )


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What may stand behind an option, for the shell."""
    from abeja.runtime.cli.candidates import candidates  # noqa: PLC0415 (only those who press the key wait for it)

    return candidates(param.name or "", ctx, incomplete)


def _shown(default: float | str) -> str:
    megabyte, gigabyte = 1024**2, 1024**3
    if isinstance(default, int) and default >= gigabyte:
        return f"{default // gigabyte}GB"
    if isinstance(default, int) and default >= megabyte:
        return f"{default // megabyte}MB"
    return f"{default:g}" if isinstance(default, float) else str(default)
