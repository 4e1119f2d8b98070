"""Builds the environment of a recipe, in the cache."""

import errno
import logging
import re
import shutil
import time
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from attrs import frozen

from abeja.runtime.errors import AbejaRuntimeError, DependencyFileInvalidError, DiskFullError, InstallFailedError
from abeja.runtime.excerpt import excerpt_of_quotation
from abeja.runtime.prepare.failures import explain
from abeja.runtime.prepare.interpreters import dotted
from abeja.runtime.prepare.pip import Pip
from abeja.runtime.prepare.progress import Progress
from abeja.runtime.prepare.recipe import Recipe
from abeja.runtime.prepare.requirement import name_of
from abeja.runtime.prepare.store import Store
from abeja.runtime.prepare.tool import Outcome, Tool
from abeja.runtime.prepare.uv import Uv
from abeja.runtime.prepare.wheels import pythons_with_wheel

_log = logging.getLogger("abeja.runtime")

# What the plan asks for, written for the tool.
_LINES = "requirements.txt"

# With less than this left, a disk is full: what a tool could not write is mostly larger.
_FULL_BYTES = 1024**2

# Variables that are about another environment, such as the server's own.
_NOT_FOR_TOOLS = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"}


@frozen(kw_only=True)
class Build:
    """The making of one environment.

    Attributes:
        recipe: what it is made of.
        store: where it is kept.
    """

    recipe: Recipe
    store: Store

    def environment(self) -> Path:
        """Its folder, built if it is not there.

        Raises:
            DependencyError: it cannot be built.
        """
        key = self.recipe.key
        ready = self.store.use(key)
        if ready is not None:
            _log.debug("using the environment %s", ready)
            return ready
        try:
            return self.store.build(key, self._make, on_wait=_say_wait)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(f"there is no space left in {self.store.root}: {error}.") from error
            raise InstallFailedError(
                f"the environment cannot be kept in {self.store.root}: {error}.", hint="XDG_CACHE_HOME names another."
            ) from error

    def _make(self, aside: Path, lock: int) -> Mapping[str, Any]:
        recipe = self.recipe
        what = f"building the environment for Python {dotted(recipe.interpreter.facts.version)}"
        _log.info("%s%s", what, _source(recipe))
        with Progress(what) as progress:
            tool = Tool(folder=recipe.folder, environ=self._variables(), lock=lock, on_progress=progress.show)
            outcome = self._run(tool, aside)
            if not outcome.is_success:
                raise self._error(outcome, tool, aside)
            packages = _installed(aside / "environment")
        _log.info("built in %.1f s: %s", progress.seconds, " ".join(packages) or "no packages")
        return self._record(packages)

    def _run(self, tool: Tool, aside: Path) -> Outcome:
        recipe, folder = self.recipe, aside / "environment"
        lines = None
        if recipe.plan is not None and recipe.plan.requirements:
            lines = aside / _LINES
            lines.write_text("\n".join(recipe.plan.requirements) + "\n", encoding="utf-8")
        if recipe.tool == "pip":
            return Pip(recipe=recipe, tool=tool).build(folder, lines, final=self.store.root / recipe.key)
        return Uv(recipe=recipe, tool=tool).build(folder, lines)

    def _variables(self) -> dict[str, str]:
        own = {name: value for name, value in self.recipe.environ.items() if name not in _NOT_FOR_TOOLS}
        return {**own, **self.recipe.indexes.uv_variables}

    def _error(self, outcome: Outcome, tool: Tool, aside: Path) -> AbejaRuntimeError:
        source = self.recipe.plan.source if self.recipe.plan else ""
        # The user wrote the source; where in the copy something stands says nothing of it.
        copy = re.compile(rf"[`']?{re.escape(str(aside / _LINES))}[`']?( at position \d+)?")
        error = explain(
            copy.sub(source, outcome.output),
            interpreter=self.recipe.interpreter,
            find_wheels=partial(pythons_with_wheel, recipe=self.recipe, tool=tool),
            is_disk_full=shutil.disk_usage(aside).free < _FULL_BYTES,
        )
        if isinstance(error, DependencyFileInvalidError) and self.recipe.plan is not None:
            error.excerpt = excerpt_of_quotation(self.recipe.plan.read, error.message)
        return error

    def _record(self, packages: list[str]) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "python": dotted(recipe.interpreter.facts.version),
            "interpreter": str(recipe.interpreter.path),
            "built_for": str(recipe.folder),
            "built_at": int(time.time()),
            "source": recipe.plan.source if recipe.plan else None,
            "as_of": str(recipe.as_of) if recipe.as_of else None,
            "tool": recipe.tool,
            "packages": packages,
        }


def _say_wait() -> None:
    _log.info("another process is building this environment; waiting for it")


def _source(recipe: Recipe) -> str:
    asked = [recipe.plan.source] if recipe.plan else []
    provided = dict.fromkeys(name_of(line) or line for line in recipe.provided)
    asked += [f"what the image provides: {' '.join(provided)}"] if provided else []
    return f" from {' and '.join(asked)}" if asked else ""


def _installed(environment: Path) -> list[str]:
    """``name==version`` of everything in an environment, read from its metadata."""
    folders = [str(path) for path in environment.glob("lib/python*/site-packages")]
    found = {f"{distribution.name}=={distribution.version}" for distribution in metadata.distributions(path=folders)}
    return sorted(found, key=str.lower)
