"""The command line: one sub-command per module, imported when it is run."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from abeja.runtime.cli import standard_streams
from abeja.runtime.cli.lazy_group import Entry, LazyGroup
from abeja.runtime.cli.termination import SIGNALLED
from abeja.runtime.errors import AbejaRuntimeError, ModelFolderMissingError

_COMMANDS = {
    "init": Entry(
        "init", "init", "Write a new handler into FOLDER: with a request, a test, requirements.txt and a README."
    ),
    "serve": Entry("serve", "serve", "Serve a handler over HTTP."),
    "run-local": Entry("run_local", "run_local", "Call a handler once with a file as the request."),
    "run-local-server": Entry(
        "run_local_server",
        "run_local_server",
        "Serve a handler on this machine to try it out, as the vendor's CLI did, without Docker.",
    ),
    "run": Entry("run", "run", "Run a handler over many inputs."),
    "check": Entry("check", "check", "Say what is wrong with a handler's code, by reading it: nothing of it is run."),
    "extract": Entry(
        "extract", "extract", "Extract ARCHIVE into the folder DEST, as --training-result does, and nothing else."
    ),
    "test": Entry("test", "test", "Run the tests of a handler on its own Python, with its own packages."),
    "install": Entry(
        "install", "install", "Install what a handler needs, so that it starts without delay and without network."
    ),
    "env": Entry("env", "env", "Look at the environments that were built, and remove them."),
    "images": Entry("images", "images", "List the image versions: what each promised to a handler."),
    "plugins": Entry("plugins", "plugins", "List the plugins, what each provides, and what is wrong with any."),
    "doctor": Entry(
        "doctor", "doctor", "Say what this machine has: Pythons, and the image versions that can run on them."
    ),
    "config": Entry("config", "config", "Look at the configuration."),
    "completion": Entry("completion", "completion", "Print a script that completes commands and options in the shell."),
}
# `abeja model run-local` of the vendor's CLI, with `alias abeja=abeja-runtime`.
_MODEL_COMMANDS = {name: _COMMANDS[name] for name in ("run-local", "run-local-server")}
_DEFAULT = "serve"

_BUG = 70

# Set by the script of a shell, when it asks what could stand at the cursor.
COMPLETION_VARIABLE = "_ABEJA_RUNTIME_COMPLETE"


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
        help="Commands as the vendor's documentation calls them: `abeja model run-local`.",
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
    standard_streams.settle()
    sys.exit(_run(list(sys.argv[1:] if args is None else args)))


def _run(args: list[str]) -> int:
    try:
        result = _invoke(args)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return SIGNALLED + signal.SIGINT
    except AbejaRuntimeError as error:
        return _failed(error)
    except BrokenPipeError:
        # The reader of our output has gone.
        standard_streams.abandon_stdout()
        return 1
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _invoke(args: list[str]) -> object:
    if shell := os.environ.get(COMPLETION_VARIABLE):
        # Asked by the shell, and not by a person.
        from abeja.runtime.cli.shells import completions  # noqa: PLC0415

        click.echo(completions(cli, shell, os.environ), nl=False)
        return 0
    return cli.main(args=args, prog_name="abeja-runtime", standalone_mode=False)


def _failed(error: AbejaRuntimeError) -> int:
    _print_error(error)
    return error.exit_code


def _unexpected(error: Exception) -> int:
    # Without a current folder, whatever takes a relative path from it fails, at any place.
    if isinstance(error, FileNotFoundError) and not _is_in_a_folder():
        return _failed(_no_current_folder())
    click.echo(traceback.format_exc(), err=True)
    click.echo("Error: this is a bug in abeja-runtime; please report it with the lines above.", err=True)
    return _BUG


def _is_in_a_folder() -> bool:
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False


def _no_current_folder() -> ModelFolderMissingError:
    return ModelFolderMissingError(
        "the current folder does not exist any more.", hint="change to one that does; --model-dir names the model's."
    )


def _print_error(error: AbejaRuntimeError) -> None:
    # Only who has an error needs them.
    import logging  # noqa: PLC0415

    from abeja.runtime import logs  # noqa: PLC0415
    from abeja.runtime.colour import dressed, is_wanted  # noqa: PLC0415

    log = logs.current()
    if log.is_json:
        more = {"summary": error.report(), "traceback": error.traceback, "members": {"error": error.name}}
        logging.getLogger(logs.NAME).error("%s", error.report(), extra=more)
    else:
        text = log.hide(f"{error.traceback}Error: {error.report()}")
        click.echo(dressed(text) if is_wanted(sys.stderr) else text, err=True)
