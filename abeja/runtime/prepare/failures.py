"""From what uv or pip printed to an error with a name."""

import re
from collections.abc import Callable, Sequence

from abeja.runtime.errors import (
    DependencyError,
    DependencyFileInvalidError,
    DependencyUnresolvableError,
    DiskFullError,
    HashMismatchError,
    IndexUnreachableError,
    InstallFailedError,
    InstallToolMissingError,
    WheelMissingError,
)
from abeja.runtime.prepare.interpreters import Interpreter, dotted
from abeja.runtime.prepare.uv import DRAWING

# Of a tool's output, this much is shown.
_SHOWN_LINES = 20

_PACKAGE = r"([A-Za-z0-9][A-Za-z0-9._-]*)"
_DISK_FULL = re.compile(r"No space left on device|os error 28|Disk quota exceeded|os error 122")
_UNREACHABLE = re.compile(
    r"error sending request|client error \(Connect\)|dns error|Failed to establish a new connection|"
    r"the network was disabled|Max retries exceeded|operation timed out|Connection (?:refused|reset)|"
    r"HTTP status (?:server|client) error \((?:5\d\d|401|403)|Could not fetch URL|name resolution"
)
_HASH = re.compile(r"Hash mismatch|DO NOT MATCH THE HASHES|hashes? (?:are|is) required|--require-hashes", re.IGNORECASE)
_PINS = (
    # uv: a source distribution that cannot be built, a version without any wheel that fits.
    re.compile(rf"Failed to (?:download and )?build `?{_PACKAGE}==([^`\s]+?)`?(?:\s|$)"),
    re.compile(rf"Because {_PACKAGE}==(\S+) has no (?:usable wheels|wheels with a matching)"),
    # pip
    re.compile(rf"No matching distribution found for {_PACKAGE}==(\S+)"),
)
_UNREADABLE = re.compile(r"Couldn't parse requirement|Invalid requirement")
_UNRESOLVABLE = re.compile(r"No solution found|No matching distribution found|ResolutionImpossible")
_NO_VENV = re.compile(r"No module named '?(?:venv|ensurepip|pip)|ensurepip is not available")
_NOISE = re.compile(r"^warning: .*missing an upload date|^Using Python|^Resolved \d|^\s*$")

# Pin -> the Pythons that have a wheel of it, such as ["3.5", "3.6"].
FindWheels = Callable[[str, str], Sequence[str]]


def explain(
    output: str, *, interpreter: Interpreter, find_wheels: FindWheels, is_disk_full: bool = False
) -> DependencyError:
    """The error that a tool's output stands for.

    Args:
        output: what it printed.
        interpreter: the Python that it installed for.
        find_wheels: asked when a package has no wheel for that.
        is_disk_full: whether no space was left when it ended; not every tool says so.
    """
    shown = _shown(output)
    if is_disk_full or _DISK_FULL.search(output):
        return DiskFullError(
            f"there is no space left for the packages.\n{shown}",
            hint="`abeja-runtime env prune` removes unused environments; XDG_CACHE_HOME moves the cache.",
        )
    if _UNREACHABLE.search(output):
        return IndexUnreachableError(
            f"the package index cannot be reached.\n{shown}",
            hint="PIP_INDEX_URL or pip's configuration names another; `abeja-runtime install` builds ahead; "
            "--env inherit takes what is installed already.",
        )
    if _HASH.search(output):
        return HashMismatchError(
            f"a package is not the one whose hash is given, or has none.\n{shown}",
            hint="lock the requirements again, or find out who changed the file.",
        )
    if _UNREADABLE.search(output):
        return DependencyFileInvalidError(f"what the model asks for cannot be read.\n{shown}")
    return _wheel_missing(output, interpreter, find_wheels) or _other(output, shown)


def _wheel_missing(output: str, interpreter: Interpreter, find_wheels: FindWheels) -> WheelMissingError | None:
    text = DRAWING.sub(" ", output)
    pin = next((match.groups() for pattern in _PINS for match in [pattern.search(text)] if match), None)
    if pin is None:
        return None
    name, version = pin[0], pin[1].rstrip(".,;")
    chosen = dotted(interpreter.version[:2])
    pythons = find_wheels(name, version)
    if not pythons or chosen in pythons:
        return None
    return WheelMissingError(
        f"{name}=={version} has no wheel for Python {chosen} ({interpreter.path}), and it cannot be built from its "
        f"sources here.\nPythons that have one: {', '.join(pythons)}.",
        hint=f"--python {pythons[-1]} runs the handler on one of them; or ask for another version of {name}.",
    )


def _other(output: str, shown: str) -> DependencyError:
    if _UNRESOLVABLE.search(output):
        return DependencyUnresolvableError(
            f"no versions of the packages satisfy what the model asks for.\n{shown}",
            hint="a build that the index does not have, such as torch's older ones, needs the place that has it: "
            "a line `--find-links URL` or `--extra-index-url URL` in requirements.txt, or a [[source]] in the Pipfile.",
        )
    if _NO_VENV.search(output):
        return InstallToolMissingError(
            f"this Python cannot make environments.\n{shown}", hint="--installer uv can make them for any Python."
        )
    return InstallFailedError(f"installing the packages failed.\n{shown}")


def _shown(output: str) -> str:
    lines = [line.rstrip() for line in output.splitlines() if not _NOISE.search(line)]
    return "\n".join(lines[-_SHOWN_LINES:])
