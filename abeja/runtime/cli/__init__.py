"""The command line: one sub-command per module, imported when it is run."""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from abeja.runtime.cli.termination import SIGNALLED
from abeja.runtime.errors import AbejaRuntimeError

# Command -> (module of this package, the function in it).
_COMMANDS = {
    "serve": ("serve", "serve"),
    "run-local": ("run_local", "run_local"),
    "run-local-server": ("run_local_server", "run_local_server"),
    "run": ("run", "run"),
    "check": ("check", "check"),
    "extract": ("extract", "extract"),
    "test": ("test", "test"),
    "install": ("install", "install"),
    "env": ("env", "env"),
    "images": ("images", "images"),
    "plugins": ("plugins", "plugins"),
    "doctor": ("doctor", "doctor"),
    "config": ("config", "config"),
}
# `abeja model run-local` of the vendor's CLI, with `alias abeja=abeja-runtime`.
_MODEL_COMMANDS = {name: _COMMANDS[name] for name in ("run-local", "run-local-server")}
_DEFAULT = "serve"

_BUG = 70


class LazyGroup(click.Group):
    """A group whose sub-commands are imported when they are asked for."""

    def __init__(self, *, lazy: dict[str, tuple[str, str]], default: str | None = None, name: str, help: str) -> None:  # noqa: A002 (click's name)
        super().__init__(name=name, help=help, context_settings={"help_option_names": ["--help"]})
        self._lazy = lazy
        self._default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command."""
        if cmd_name in self._lazy:
            module, function = self._lazy[cmd_name]
            command: click.Command = getattr(importlib.import_module(f"{__name__}.{module}"), function)
            return command
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a sub-command, options are those of the default one."""
        if self._default and (not args or (args[0].startswith("-") and args[0] not in ("--help", "--version"))):
            args = [self._default, *args]
        return super().parse_args(ctx, args)


cli = LazyGroup(
    name="abeja-runtime",
    lazy=_COMMANDS,
    default=_DEFAULT,
    help="""Serve ABEJA Platform handlers: Python functions behind HTTP, by the contract of their image version.

    \b
    Serve the function `handler` of main.py in this folder on port 5000:
        abeja-runtime --image-version 19.04 --handler main:handler
    Call it once:
        abeja-runtime run-local --image abeja/all-cpu:19.04 --handler main:handler --input request.json

    Without a command, `serve` is meant. Every option can also be given by an environment variable or in
    abeja-runtime.toml; `abeja-runtime config show` says what is in force and why.
    """,
)
cli.add_command(
    LazyGroup(
        name="model",
        lazy=_MODEL_COMMANDS,
        help="The commands as they are called in the vendor's documentation: `abeja model run-local`.",
    )
)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's signature)
    if value and not ctx.resilient_parsing:
        from abeja.runtime.version import VERSION  # noqa: PLC0415 (asks the installed metadata, which takes time)

        click.echo(f"abeja-runtime {VERSION}")
        ctx.exit()


_VERSION_OPTION = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
cli.params.append(_VERSION_OPTION)


def main(args: Sequence[str] | None = None) -> None:
    """The program. Its exit codes are those of docs/reference/errors.md."""
    sys.exit(_run(list(sys.argv[1:] if args is None else args)))


def _run(args: list[str]) -> int:
    try:
        result = cli.main(args=args, prog_name="abeja-runtime", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return SIGNALLED + signal.SIGINT
    except AbejaRuntimeError as error:
        click.echo(f"{error.traceback}Error: {error.report()}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has gone; what the interpreter would still flush has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception:
        click.echo(traceback.format_exc(), err=True)
        click.echo("Error: this is a bug in abeja-runtime; please report it with the lines above.", err=True)
        return _BUG
    return result if isinstance(result, int) else 0
