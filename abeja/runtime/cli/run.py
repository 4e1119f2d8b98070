"""``abeja-runtime run``."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abeja.runtime.batch.display import KINDS, LogStream, display_of
from abeja.runtime.batch.report import text_of
from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import COMMON_OPTIONS, MODEL_OPTIONS, complete, with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.cli.termination import SIGNALLED
from abeja.runtime.errors import OptionInvalidError, OutputFailedError
from abeja.runtime.version import VERSION

if TYPE_CHECKING:
    # Imported when the command runs, and not when its options are listed or completed.
    from abeja.runtime.batch.destination import Destination
    from abeja.runtime.batch.execution import Outcome

_WORKER_OPTIONS = ("workers", "concurrency", "timeout", "startup_timeout", "max_requests", "max_rss", "max_age")


@click.command(cls=GroupedCommand)
@click.option(
    "--input",
    "inputs",
    metavar="FILE|DIR|GLOB|-",
    multiple=True,
    required=True,
    shell_complete=complete,
    help="What to run: a file, the files of a folder, or those that match a pattern; may be given more than once. "
    "A file that ends in .jsonl or .ndjson has a request on each line, as has stdin (-).",
)
@click.option(
    "--output",
    metavar="DIR|FILE.jsonl|-",
    shell_complete=complete,
    help="Where the results go: a folder, one file for each input; or a file of JSON Lines. [default: stdout]",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted: what is done is not done again.")
@click.option("--retry-failed", is_flag=True, help="Go on, and run again what has failed.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first failure.")
@click.option("--progress", type=click.Choice(KINDS), default="auto", show_default=True, help="How to show progress.")
@click.option("--report", metavar="FILE", type=click.Path(path_type=Path), help="Write the report there, as JSON.")
@with_options(*MODEL_OPTIONS, *_WORKER_OPTIONS, *COMMON_OPTIONS)
def run(
    inputs: tuple[str, ...],
    *,
    output: str | None,
    resume: bool,
    retry_failed: bool,
    fail_fast: bool,
    progress: str,
    report: Path | None,
    **flags: Any,
) -> int:
    """Run a handler over many inputs.

    \b
    Example:
        abeja-runtime run --image abeja/all-cpu:19.04 --handler main:handler --input photos/ --output results/

    Results are in the order of the inputs. Progress, the log and a report go to stderr. Ctrl-C lets the workers
    finish what they have; --resume goes on from there. The exit code is 1 if any input has failed.
    """
    from abeja.runtime.batch.destination import Destination  # noqa: PLC0415
    from abeja.runtime.batch.execution import Execution, Task  # noqa: PLC0415

    if report is not None and not report.absolute().parent.is_dir():
        raise OptionInvalidError(f"the folder of --report {report} does not exist.")
    destination = Destination.parse(output, is_resuming=resume or retry_failed)
    destination.check()
    display = display_of(progress, sys.stderr)
    configuration, model = prepare(flags, log=LogStream(display, sys.stderr))
    task = Task(
        inputs=inputs, destination=destination, report=report, fails_fast=fail_fast, retries_failed=retry_failed
    )
    execution = Execution(task, model, configuration.options, version=VERSION, display=display)
    try:
        outcome = asyncio.run(execution.run())
    except asyncio.CancelledError:
        return SIGNALLED + (execution.ended_by or signal.SIGINT)
    _tell(outcome, display_kind=progress, destination=destination, report=report)
    if outcome.signal is not None:
        return SIGNALLED + outcome.signal
    return 1 if outcome.has_failures or not outcome.is_complete else 0


def _tell(outcome: "Outcome", *, display_kind: str, destination: "Destination", report: Path | None) -> None:
    is_json = display_kind == "json"
    click.echo(json.dumps({"report": outcome.report}) if is_json else text_of(outcome.report), err=True)
    if report is not None:
        _write(report, outcome.report)
    if not outcome.is_complete and destination.path is not None and not is_json:
        click.echo("Hint: the same command with --resume goes on from here.", err=True)


def _write(path: Path, report: dict[str, Any]) -> None:
    try:
        path.write_text(f"{json.dumps(report, indent=4)}\n", encoding="utf-8")
    except OSError as error:
        raise OutputFailedError(f"the report cannot be written to {path}: {error.strerror}.") from error
