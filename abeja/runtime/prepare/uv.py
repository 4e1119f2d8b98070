"""Builds an environment with uv: any Python from 3.6 on, and packages as of a day."""

import datetime
import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from abeja.runtime.errors import InstallToolMissingError
from abeja.runtime.prepare.recipe import Recipe
from abeja.runtime.prepare.requirement import normalized, pin_of
from abeja.runtime.prepare.tool import Outcome, Tool

_log = logging.getLogger("abeja.runtime")

# Each round exempts at least one package from the date; more than this many are not of one model.
_ROUNDS = 30

_CONFIG = Path(__file__).with_name("uv.toml")

# uv's words for a package whose versions are all younger than the day, or that has none that fits.
_FILTERED = re.compile(r"`([A-Za-z0-9._-]+)` was filtered by `exclude-newer`")
_NONE_LEFT = re.compile(r"no versions? of ([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!~]| and | is | are |,|\.\s|\.$)")
_ONLY_OLDER = re.compile(
    r"[Oo]nly (?:the following versions of )?([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!]\S*)? (?:is|are) avail"
)
_UNRESOLVABLE = "No solution found"
# What uv draws around its explanation.
DRAWING = re.compile(r"[\s╰─▶\xd7│├]+")


def find_uv() -> Path:
    """The uv executable.

    Raises:
        InstallToolMissingError: it is not installed.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 (not needed when an environment is ready)

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        found = shutil.which("uv")
        if found is not None:
            return Path(found)
        raise InstallToolMissingError(
            "uv, which builds environments, is not installed.",
            hint="`pip install uv`, or --installer pip to use the pip of the handler's Python.",
        ) from error


@frozen(kw_only=True)
class Uv:
    """Builds one recipe.

    Attributes:
        recipe: what to build.
        tool: runs uv.
    """

    recipe: Recipe
    tool: Tool

    def build(self, folder: Path, lines: Path | None) -> Outcome:
        """Build the environment in `folder`, which does not exist yet.

        Args:
            folder: of the environment.
            lines: a file with what the model asks for; None if it asks for nothing.
        """
        interpreter = self.recipe.interpreter.path
        made = self._uv("venv", "--quiet", "--relocatable", "--no-project", "--python", interpreter, folder)
        if not made.is_success:
            return made
        asked: list[str | Path] = ["--requirements", lines] if lines is not None else []
        if self.recipe.plan is not None and self.recipe.plan.must_match_hashes:
            outcome = self._install(folder, [*asked, "--require-hashes"]) if asked else made
            return self._install_provided(folder) if outcome.is_success else outcome
        return self._install(folder, [*asked, *self.recipe.provided])

    def _install_provided(self, folder: Path) -> Outcome:
        """What the image provides has no hashes: it is added, and changes nothing that has."""
        return self._install(folder, self.recipe.provided) if self.recipe.provided else Outcome(0, "")

    def _install(self, folder: Path, asked: Sequence[str | Path]) -> Outcome:
        as_of = self.recipe.as_of
        if as_of is None:
            return self._pip_install(folder, asked)
        outcome = self._install_dated(folder, asked, as_of)
        if not outcome.is_success and _UNRESOLVABLE in outcome.output:
            _log.warning("nothing satisfies the requirements as of %s: they are resolved as of today instead", as_of)
            return self._pip_install(folder, asked)
        return outcome

    def _install_dated(self, folder: Path, asked: Sequence[str | Path], as_of: datetime.date) -> Outcome:
        exempt: list[str] = []
        reported: list[str] = []
        for _ in range(_ROUNDS):
            exemptions = [f"--exclude-newer-package={name}=false" for name in exempt]
            outcome = self._pip_install(folder, [*asked, f"--exclude-newer={as_of}", *exemptions])
            younger = [name for name in younger_packages(outcome.output) if name not in reported]
            if outcome.is_success or not younger:
                break
            # A pin says itself which version it wants: once one of them is younger, none needs the day.
            exempt += [name for name in (*younger, *self._pins) if name not in exempt]
            reported += younger
        if outcome.is_success and reported:
            _log.info("no version that fits is of %s or before, so taken as of today: %s", as_of, ", ".join(reported))
        return outcome

    @property
    def _pins(self) -> list[str]:
        lines = self.recipe.plan.requirements if self.recipe.plan is not None else ()
        return [pin[0] for pin in map(pin_of, lines) if pin is not None]

    def _pip_install(self, folder: Path, asked: Sequence[str | Path]) -> Outcome:
        return self._uv("pip", "install", "--python", folder / "bin" / "python", *asked)

    def _uv(self, *arguments: str | Path) -> Outcome:
        indexes = self.recipe.indexes.uv_arguments if arguments[0] == "pip" else []
        # Ours takes the place of a uv.toml in the model's folder, which is for whoever develops there.
        return self.tool.run(
            [
                *(find_uv(), *arguments, *indexes),
                *("--config-file", _CONFIG, "--no-progress", "--color", "never"),
            ]
        )


def younger_packages(output: str) -> list[str]:
    """The packages that uv could not find because of the day, by its explanation."""
    text = DRAWING.sub(" ", output)
    found = _FILTERED.findall(text) or [*_NONE_LEFT.findall(text), *_ONLY_OLDER.findall(text)]
    return list(dict.fromkeys(normalized(name) for name in found))
