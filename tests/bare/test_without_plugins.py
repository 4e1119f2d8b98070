"""With the built-ins blocked, the core starts and says what is missing."""

import json
import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def bare(environ: dict[str, str]) -> dict[str, str]:
    """An environment that blocks every plugin."""
    return {**environ, "ABEJA_RUNTIME_BLOCK_PLUGIN": "*"}


def test_plugins_lists_the_built_ins_as_blocked(command: Path, bare: dict[str, str]) -> None:
    result = subprocess.run([command, "plugins"], env=bare, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    lines = [
        line
        for line in result.stdout.splitlines()
        if re.match("abi-|encoder-|extractor-|installer-|observer-|source-", line)
    ]
    assert len(lines) == 16
    assert all("blocked" in line for line in lines)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["images"], ["config", "show"]], ids=" ".join)
def test_command_that_needs_no_plugin_works(
    command: Path, bare: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    result = subprocess.run([command, *arguments], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_run_local_names_the_abi_that_is_missing_and_the_plugin_that_is_blocked(
    command: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "request.json").write_text(json.dumps({}))

    result = subprocess.run(
        [
            command,
            "run-local",
            "--image",
            "abeja/all-cpu:19.04",
            "--handler",
            "main:handler",
            "--input",
            "request.json",
        ],
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout) == (2, "")
    assert "abi-unknown: no plugin provides the handler ABI '19.04'" in result.stderr
    assert "abi-19.04" in result.stderr.partition("Hint:")[2]
    assert "Traceback" not in result.stderr
