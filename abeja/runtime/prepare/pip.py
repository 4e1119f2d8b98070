"""Builds an environment with the venv and pip of the handler's Python. pip knows no dates."""

import logging
from pathlib import Path

from attrs import frozen

from abeja.runtime.prepare.recipe import Recipe
from abeja.runtime.prepare.tool import Outcome, Tool

_log = logging.getLogger("abeja.runtime")

_SHEBANG = b"#!"


@frozen(kw_only=True)
class Pip:
    """Builds one recipe.

    Attributes:
        recipe: what to build.
        tool: runs Python.
    """

    recipe: Recipe
    tool: Tool

    def build(self, folder: Path, lines: Path | None, *, final: Path) -> Outcome:
        """Build the environment in `folder`, which does not exist yet.

        Args:
            folder: of the environment.
            lines: a file with what the model asks for; None if it asks for nothing.
            final: where the environment will be moved to; its scripts are written for that place.
        """
        made = self.tool.run([self.recipe.interpreter.path, "-m", "venv", folder])
        plan = self.recipe.plan
        asked: list[str | Path] = ["--requirement", lines] if lines is not None else []
        hashes = ["--require-hashes"] if plan and plan.must_match_hashes else []
        provided: list[str | Path] = [*self.recipe.provided]
        # What the image provides has no hashes.
        if made.is_success:
            # The pip that came with an old Python does not know later kinds of wheels; without a newer one, it must do.
            self._pip(folder, "--upgrade", "pip")
        for command in [[*asked, *hashes], provided] if hashes else [[*asked, *provided]]:
            if made.is_success and command:
                made = self._pip(folder, *command)
        if made.is_success:
            _move_scripts(folder, final)
        return made

    def _pip(self, folder: Path, *arguments: str | Path) -> Outcome:
        python = folder / "bin" / "python"
        return self.tool.run([python, "-m", "pip", "install", "--disable-pip-version-check", *arguments])


def _move_scripts(folder: Path, final: Path) -> None:
    for script in (folder / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if content.startswith(_SHEBANG) or script.name.lower().startswith("activate"):
            script.write_bytes(content.replace(bytes(folder), bytes(final)))
