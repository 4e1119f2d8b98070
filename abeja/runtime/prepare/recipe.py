"""Everything that determines an environment, and the key made of it."""

import datetime
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from abeja.runtime.prepare.indexes import Indexes
from abeja.runtime.prepare.interpreters import Interpreter
from abeja.runtime.types import Plan

# Raise it when the same recipe would be built differently: environments of before are then left alone.
FORMAT = 1

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


@frozen(kw_only=True)
class Recipe:
    """What an environment is made of.

    Attributes:
        interpreter: the Python below it.
        plan: what the model asks for; None if it asks for nothing.
        provided: requirements of the image version that the model's code needs beside that.
        as_of: unpinned packages resolve as of this day; None for today.
        tool: ``uv`` or ``pip``.
        indexes: where packages come from.
        folder: the model's, from which relative paths in its files start.
        environ: variables that its files may refer to.
    """

    interpreter: Interpreter
    plan: Plan | None
    provided: tuple[str, ...]
    as_of: datetime.date | None
    tool: str
    indexes: Indexes
    folder: Path
    environ: Mapping[str, str]

    @property
    def is_buildable(self) -> bool:
        """Whether there is anything to install."""
        return bool(self.provided or (self.plan is not None and self.plan.requirements))

    @property
    def key(self) -> str:
        """A name for it: equal for equal recipes, on this machine."""
        text = json.dumps(self._parts(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _parts(self) -> dict[str, object]:
        facts = self.interpreter.facts
        return {
            "format": FORMAT,
            "interpreter": [facts.base, facts.version, facts.implementation, facts.platform],
            "requirements": self.plan.requirements if self.plan else (),
            "must_match_hashes": self.plan is not None and self.plan.must_match_hashes,
            "read": [_digest(path) for path in self.plan.read] if self.plan else [],
            "variables": self._variables(),
            "provided": self.provided,
            "as_of": self.as_of,
            "tool": self.tool,
            "indexes": self.indexes.identity,
        }

    def _variables(self) -> dict[str, str]:
        """Values of the variables that the files refer to."""
        lines = self.plan.requirements if self.plan else ()
        names = {name for line in lines for name in _VARIABLE.findall(line)}
        return {name: self.environ[name] for name in names if name in self.environ}


def _digest(path: Path) -> str:
    if path.is_dir():
        # A project to install: its files by name, size and time, for they may be large.
        text = "\n".join(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in sorted(_sources(path)))
        return hashlib.sha256(text.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"missing").hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # What installing and running a project leaves in its folder is no part of it.
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in {"__pycache__", "build"} and not name.endswith(".egg-info")
        ]
        yield from (path for name in files if (path := Path(parent, name)).is_file())
