"""Source files: parsed here, and compiled by the Python that will run them."""

import ast
import json
import subprocess
import warnings
from pathlib import Path

from attrs import frozen

from abeja.runtime.prepare.interpreters import Interpreter, dotted
from abeja.runtime.review.finding import Finding, Level

_COMPILE_TIMEOUT_S = 60
# Compiles, and never runs what it has compiled.
_COMPILE = """
import json, sys, warnings
warnings.simplefilter("ignore")
failures = []
for path in json.load(sys.stdin):
    try:
        # The file system of Python 3.6 is ASCII in the locale C.
        with open(path.encode("utf-8", "surrogateescape"), "rb") as file:
            compile(file.read(), "<source>", "exec", dont_inherit=True)
    except SyntaxError as error:
        failures.append([path, error.lineno or 0, error.msg])
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        failures.append([path, 0, str(error) or type(error).__name__])
print(json.dumps(failures))
"""
# How each Python says that it has met the statement of Python 2.
_PRINT_STATEMENT = "Missing parentheses in call to 'print'"


@frozen
class Source:
    """A parsed file.

    Attributes:
        path: the file.
        tree: what it says.
    """

    path: Path
    tree: ast.Module


def parse(path: Path) -> Source | None:
    """The file, None if the Python that runs abeja-runtime cannot parse it."""
    with warnings.catch_warnings():
        # A strange escape is the user's, and no warning of ours.
        warnings.simplefilter("ignore")
        try:
            return Source(path, ast.parse(path.read_bytes()))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            return None


def syntax_findings(files: list[Path], folder: Path, python: Interpreter) -> list[Finding]:
    """What `python` cannot compile of `files`."""
    try:
        done = subprocess.run(
            [python.path, "-I", "-S", "-c", _COMPILE],
            input=json.dumps([str(path) for path in files]),
            capture_output=True,
            text=True,
            check=True,
            timeout=_COMPILE_TIMEOUT_S,
        )
    except subprocess.SubprocessError as error:
        # Old compilers crash on code that is nested too deeply.
        message = f"the syntax is not checked: {python} failed to compile it: {error.__class__.__name__}"
        return [Finding(slug="handler-not-read", message=message, level=Level.NOTE)]
    version = dotted(python.facts.version)
    return [
        Finding(
            slug="syntax-invalid",
            message=f"Python {version}, which will run it, cannot read it: {reason}",
            hint=_hint(reason, path, version),
            path=str(Path(path).relative_to(folder)),
            line=line,
        )
        for path, line, reason in json.loads(done.stdout)
    ]


def _hint(reason: str, path: str, version: str) -> str:
    if reason.startswith(_PRINT_STATEMENT):
        return "this is Python 2; `python3 -m lib2to3` of an old Python 3 translates it"
    if parse(Path(path)) is not None:
        return f"this is the syntax of another Python than {version}: --python asks for one, if the handler may use it"
    return ""
