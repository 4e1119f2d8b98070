"""``abeja-runtime test``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import COMMON_OPTIONS, MODEL_OPTIONS, with_options
from abeja.runtime.cli.preparation import prepare
from abeja.runtime.errors import TestRunnerMissingError
from abeja.runtime.model import Model

# `no:`: abeja-runtime may be installed for this Python too, and brings a fixture of the same name.
_RUNNERS = {
    "pytest": ("pytest", "-p", "no:abeja_runtime", "-p", "abeja_handler_testing.pytest_plugin"),
    "unittest": ("unittest",),
}


@click.command(cls=GroupedCommand)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--runner",
    type=click.Choice(tuple(_RUNNERS)),
    default="pytest",
    show_default=True,
    help="What runs the tests; unittest is part of every Python.",
)
@with_options(*MODEL_OPTIONS, "strip_headers", *COMMON_OPTIONS)
def test(arguments: tuple[str, ...], *, runner: str, **flags: Any) -> None:
    """Run the tests of a handler on its own Python, with its own packages.

    \b
    Example:
        abeja-runtime test --image abeja/all-cpu:19.04 --python 3.6
        abeja-runtime test --image abeja/all-cpu:19.04 -- -x -k tax

    What stands behind -- is for pytest. It runs in the model's folder, and the fixture `handler_client` calls the
    handler in the same process. The exit code is that of pytest.
    """
    # Only those who test wait for these imports.
    from abeja.runtime.testing import handler_path  # noqa: PLC0415
    from abeja.runtime.testing.settings import settings_of  # noqa: PLC0415

    configuration, model = prepare(flags)
    _require(runner, model)
    kit = str(Path(handler_path.__file__).parent)
    environment = {
        **model.environment,
        "PYTHONPATH": os.pathsep.join(filter(None, (kit, model.environment.get("PYTHONPATH")))),
        "ABEJA_RUNTIME_TEST_SETTINGS": json.dumps(
            settings_of(model, strip_headers=configuration.options.strip_headers, environ=model.environment)
        ),
    }
    os.chdir(model.folder)
    sys.stderr.flush()
    os.execve(model.python, [str(model.python), "-m", *_RUNNERS[runner], *arguments], environment)  # noqa: S606 (in our place)


def _require(runner: str, model: Model) -> None:
    done = subprocess.run(
        [model.python, "-c", f"import {runner}"],
        cwd=model.folder,
        env=model.environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise TestRunnerMissingError(
            f"{runner} is not installed for the handler's Python ({model.python}).",
            hint=f"install it there (`{model.python} -m pip install pytest`; with --env auto, name it in "
            "requirements.txt), or write the tests with unittest, and give --runner unittest.",
        )
