"""Chooses the interpreter of a handler: by ``--python``, its dependency file, its image version."""

import re
from collections.abc import Sequence

from attrs import frozen

from abeja.runtime.errors import InterpreterMissingError
from abeja.runtime.prepare.interpreters import (
    OLDEST,
    Interpreter,
    Version,
    dotted,
    interpreter_at,
    server_interpreter,
)
from abeja.runtime.prepare.python_range import PythonRange

_VERSION = re.compile(r"3(\.\d+){0,2}", re.ASCII)
# Also such as no handler runs on.
_ANY_VERSION = re.compile(r"[23](\.\d+){0,2}", re.ASCII)


@frozen(kw_only=True)
class Choice:
    """An interpreter, and whether it is the one that was wanted.

    Attributes:
        interpreter: what was chosen; it runs.
        wanted: the version that was asked for; empty if none was.
        asked_by: who asked for it, for messages.
        is_substitute: whether it is newer than what was wanted.
    """

    interpreter: Interpreter
    wanted: str = ""
    asked_by: str = ""
    is_substitute: bool = False


def choose(
    found: Sequence[Interpreter], *, option: str | None = None, wishes: Sequence[tuple[str | None, str]] = ()
) -> Choice:
    """The interpreter of a handler.

    Args:
        found: the Pythons of this machine.
        option: what ``--python`` says: a version, a path, or a command.
        wishes: versions with who asks for them; the first that is not None counts. If it is not on
            this machine, the nearest newer one takes its place. If the first is a range such as
            ``>=3.8``, the next one counts within it; else the server's, else the newest.

    Raises:
        InterpreterMissingError: ``--python`` names one that is not here, or no Python will do.
    """
    if option is not None:
        return Choice(interpreter=_explicit(option, found), wanted=option, asked_by="--python")
    given = [(version, asked_by) for version, asked_by in wishes if version is not None]
    if not given:
        return Choice(interpreter=server_interpreter())
    if _VERSION.fullmatch(given[0][0]):
        return _wished(*given[0], found)
    return _within(*given[0], found, preferred=given[1] if len(given) > 1 else None)


def is_of(interpreter: Interpreter, wanted: str) -> bool:
    """Whether an interpreter is of the version that is wanted, whatever its micro version, or in the range."""
    if _VERSION.fullmatch(wanted):
        version = _parse(wanted)[:2]
        return interpreter.version[: len(version)] == version
    try:
        return PythonRange(wanted).admits(interpreter.facts.version)
    except ValueError:
        return False


def _explicit(option: str, found: Sequence[Interpreter]) -> Interpreter:
    if not _ANY_VERSION.fullmatch(option):
        return interpreter_at(option, origin="--python")
    if _parse(option) < OLDEST[: len(_parse(option))]:
        raise InterpreterMissingError(
            f"Python {option} (--python) is too old: expected {dotted(OLDEST)} or later.\nFound: {_listed(found)}.",
            hint="choose one of these; `abeja-runtime doctor` says where they are.",
        )
    match = _best(_parse(option), found)
    if match is None:
        raise InterpreterMissingError(
            f"Python {option} (--python) is not on this machine.\nFound: {_listed(found)}.",
            hint=f"install it, for example with `pyenv install {option}` or `uv python install {option}`.",
        )
    return match


def _wished(version: str, asked_by: str, found: Sequence[Interpreter]) -> Choice:
    wanted = _parse(version)
    # The micro version never changes what a handler may do: its absence is not worth a word.
    match = _best(wanted, found) or _best(wanted[:2], found)
    if match is not None:
        return Choice(interpreter=match, wanted=version, asked_by=asked_by)
    for minor in sorted({interpreter.minor for interpreter in found if interpreter.minor > wanted[:2]}):
        newer = _best(minor, found)
        if newer is not None:
            return Choice(interpreter=newer, wanted=version, asked_by=asked_by, is_substitute=True)
    raise InterpreterMissingError(
        f"neither Python {version} ({asked_by}) nor a newer one is on this machine.\nFound: {_listed(found)}."
    )


def _within(text: str, asked_by: str, found: Sequence[Interpreter], *, preferred: tuple[str, str] | None) -> Choice:
    try:
        admitted = PythonRange(text)
    except ValueError as error:
        raise InterpreterMissingError(
            f"'{text}' ({asked_by}) is neither a version of Python such as 3.6 nor a range such as >=3.8: {error}."
        ) from error
    wish = _parse(preferred[0])[:2] if preferred is not None and _VERSION.fullmatch(preferred[0]) else ()
    own = server_interpreter().minor
    by_preference = sorted(found, key=lambda i: (i.minor == wish, i.minor == own, i.version), reverse=True)
    for interpreter in by_preference:
        if interpreter.runs and admitted.admits(interpreter.facts.version):
            if preferred is not None and wish not in ((), interpreter.minor) and admitted.admits(wish):
                return Choice(interpreter=interpreter, wanted=preferred[0], asked_by=preferred[1], is_substitute=True)
            return Choice(interpreter=interpreter, wanted=text, asked_by=asked_by)
    raise InterpreterMissingError(f"no Python on this machine is {text} ({asked_by}).\nFound: {_listed(found)}.")


def _best(wanted: Version, found: Sequence[Interpreter]) -> Interpreter | None:
    """The newest that runs of the version `wanted`; of equal ones, the first that was found."""
    matches = [i for i in found if i.version[: len(wanted)] == wanted[: len(i.version)]]
    for interpreter in sorted(matches, key=lambda interpreter: interpreter.version, reverse=True):
        if interpreter.runs and interpreter.facts.version[: len(wanted)] == wanted:
            return interpreter
    return None


def _parse(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))


def _listed(found: Sequence[Interpreter]) -> str:
    """Their versions, each once: a name on the PATH tells two parts of it only, and may be a shim that does not run."""
    full = {interpreter.version for interpreter in found if len(interpreter.version) > 2}
    short = {interpreter.minor for interpreter in found} - {version[:2] for version in full}
    runs = {interpreter.minor for interpreter in found if interpreter.minor in short and interpreter.runs}
    return ", ".join(map(dotted, sorted(full | runs))) or "none"
