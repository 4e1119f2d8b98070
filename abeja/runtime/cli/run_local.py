"""``abeja-runtime run-local``."""

import asyncio
import http
import io
import json
import logging
import os
import signal
import sys
from typing import Any

import click

from abeja.runtime import logs
from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import COMMON_OPTIONS, MODEL_OPTIONS, complete, with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.cli.termination import SIGNALLED, unwound_by_signals
from abeja.runtime.cli.vendor import apply_vendor_options, with_vendor_options
from abeja.runtime.errors import OutputFailedError
from abeja.runtime.inputs import json_problems, request_from_inputs
from abeja.runtime.local import run_once
from abeja.runtime.messages import whole
from abeja.runtime.spool import Spool
from abeja.runtime.version import VERSION

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
# Someone watches: the handler may take as long as it likes.
_DEFAULTS = {"timeout": None}


@click.command("run-local", cls=GroupedCommand)
@click.option(
    "--input",
    "inputs",
    metavar="FILE|NAME=@FILE",
    multiple=True,
    required=True,
    shell_complete=complete,
    help="The request's body: a file, its content type by its extension. "
    "Repeated as NAME=@FILE or NAME=TEXT: a multipart form.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the answer only.")
@with_options(*MODEL_OPTIONS, "timeout", "startup_timeout", *COMMON_OPTIONS, defaults=_DEFAULTS)
@with_vendor_options
def run_local(inputs: tuple[str, ...], *, quiet: bool, **flags: Any) -> int:
    """Call a handler once with a file as the request.

    \b
    Example:
        abeja-runtime run-local --image abeja/all-cpu:19.04 --handler main:handler --input request.json

    The answer goes to stdout: JSON indented by 4, anything else as it is. The log goes to stderr. An
    answer of 400 or above is an error: it goes to stderr and the exit code is 1.
    """
    with unwound_by_signals():
        return _run(inputs, flags, is_quiet=quiet)


def _run(inputs: tuple[str, ...], flags: dict[str, Any], *, is_quiet: bool) -> int:
    log = _Log(is_quiet=is_quiet)
    configuration, model = prepare(apply_vendor_options(flags), log=log, is_quiet=is_quiet, defaults=_DEFAULTS)
    options = configuration.options
    with Spool() as spool:
        request = request_from_inputs(inputs, spool=spool, user_agent=f"abeja-runtime/{VERSION}")
        log.say("setting up local server")
        running = run_once(
            model,
            request,
            spool=spool,
            version=VERSION,
            startup_timeout_s=options.startup_timeout,
            timeout_s=options.timeout,
        )
        try:
            response = asyncio.run(running)
        except asyncio.CancelledError:
            return SIGNALLED + signal.SIGTERM
        log.say("finish requesting to model")
        body = whole(response.body or b"")
    if response.status >= _CLIENT_ERROR:
        for problem in json_problems(inputs):
            logging.getLogger(logs.NAME).warning("%s", problem)
        _print_error(response.status, body, log=log.getvalue(), port=options.port)
        return 1
    _print_body(body)
    return 0


class _Log(io.StringIO):
    """Keeps the log for an error, and shows it as it comes unless told to be quiet."""

    def __init__(self, *, is_quiet: bool) -> None:
        super().__init__()
        self._is_quiet = is_quiet

    def write(self, text: str) -> int:
        if not self._is_quiet:
            sys.stderr.write(text)
        return super().write(text)

    def say(self, message: str) -> None:
        """A message of the command itself, as the vendor's CLI words it."""
        if not self._is_quiet:
            click.echo(f"[info] {message}", err=True)


def _print_body(body: bytes) -> None:
    text = _indented(body)
    rest = memoryview(body if text is None else f"{text}\n".encode())
    if sys.stdout is None:
        raise OutputFailedError("the answer cannot be written to stdout: it is closed.")
    while rest:
        # Unbuffered output may take less than it is given.
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def _indented(body: bytes) -> str | None:
    try:
        return json.dumps(json.loads(body), indent=4)
    except (ValueError, RecursionError):
        return None


def _print_error(status: int, body: bytes, *, log: str, port: int) -> None:
    kind = "Client Error" if status < _SERVER_ERROR else "Server Error"
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    failure = f"[error] failed to send request : {status} {kind}: {phrase} for url: http://localhost:{port}/"
    click.secho(failure, fg=None if os.environ.get("NO_COLOR") else "red", err=True)
    click.echo(body, err=True)
    click.echo("\n ------ Local Server Error ------ ", err=True)
    click.echo(log, err=True, nl=False)
