"""What an installer promises."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from abeja.runtime.testing.plugin_contract import Parameters, PluginContract, numbered, raised_by
from abeja.runtime.testing.snapshot import snapshot, write_files
from abeja.runtime.types import Plan

Files = Mapping[str, str | bytes]


class InstallerContract(PluginContract):
    """What an installer promises: it reads, and does nothing else.

    Example::

        class TestNames(InstallerContract):
            plugin = names_installer
            samples = [{"names.txt": "numpy pillow"}]
            broken = [{"names.txt": "numpy ../.."}]

    Attributes:
        samples: models' folders, each as the contents of files by their names.
        broken: folders whose files cannot be used.
    """

    kind = "installer"
    samples: Sequence[Files] = ()
    broken: Sequence[Files] = ()

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {"files": numbered(self.samples), "broken_files": numbered(self.broken)}

    def test_it_has_samples(self) -> None:
        """Each with the file by which the installer is chosen."""
        assert self.samples, "the class attribute `samples` has the files of models' folders"
        assert self.broken, "the class attribute `broken` has files that cannot be used"
        assert "/" not in self.value.file
        for files in (*self.samples, *self.broken):
            assert self.value.file in files, f"the installer is chosen by {self.value.file}, which is not there"

    def test_a_plan_says_what_to_install_in_texts(self, files: Files, tmp_path: Path) -> None:
        """The plan's fields are of their types."""
        plan = self.plan(files, tmp_path)

        assert isinstance(plan, Plan)
        assert plan.source, "`source` names the file that asks"
        for text in (*plan.requirements, *plan.names, *plan.warnings):
            assert isinstance(text, str), f"expected text, found {text!r}"
            assert text.strip(), "an empty text asks for nothing"
            assert "\n" not in text, f"expected one line, found {text!r}"

    def test_what_was_read_is_there(self, files: Files, tmp_path: Path) -> None:
        """By it an environment is known to be out of date."""
        plan = self.plan(files, tmp_path)

        for path in plan.read:
            assert path.is_absolute(), f"{path} is not absolute"
            assert path.exists(), f"{path} does not exist"
        assert tmp_path / self.value.file in plan.read, f"`read` does not have {self.value.file}"

    def test_the_same_folder_gives_the_same_plan_wherever_it_is_asked_from(self, files: Files, tmp_path: Path) -> None:
        """Nothing but the folder and the variables counts."""
        plan = self.plan(files, tmp_path)
        before = Path.cwd()
        os.chdir(tmp_path)
        try:
            again = self.value.plan(tmp_path, {})
        finally:
            os.chdir(before)

        assert again == plan

    def test_a_change_of_the_file_changes_the_plan_or_is_seen_in_what_was_read(
        self, files: Files, tmp_path: Path
    ) -> None:
        """Nothing is remembered from one call to the next."""
        self.plan(files, tmp_path)
        for other in (*self.samples, files):
            for path in tmp_path.iterdir():
                if path.is_file():
                    path.unlink()
            assert self.plan(other, tmp_path) == self.value.plan(tmp_path, {})

    def test_planning_touches_nothing(self, files: Files, tmp_path: Path) -> None:
        """Neither the folder, nor the variables, nor the current folder."""
        write_files(tmp_path, dict(files))
        before, folder, environ, variables = snapshot(tmp_path), Path.cwd(), dict(os.environ), {"A": "b"}
        # Few variables: one that an earlier call has set is not among them.
        few = {name: value for name, value in environ.items() if name in ("HOME", "PATH", "TMPDIR")}
        try:
            os.environ.clear()
            os.environ.update(few)
            self.value.plan(tmp_path, variables)
            after = dict(os.environ)
        finally:
            os.environ.clear()
            os.environ.update(environ)

        assert snapshot(tmp_path) == before
        assert (Path.cwd(), after, variables) == (folder, few, {"A": "b"})

    def test_a_broken_file_is_a_value_error_that_says_why(self, broken_files: Files, tmp_path: Path) -> None:
        """It becomes `dependency-file-invalid`; anything else would be taken for a bug."""
        write_files(tmp_path, dict(broken_files))
        before = snapshot(tmp_path)

        error = raised_by(self.value.plan, tmp_path, {})

        assert isinstance(error, ValueError), f"expected a ValueError, found {error!r}"
        assert str(error).strip(), "the ValueError does not say why"
        assert snapshot(tmp_path) == before

    def plan(self, files: Files, folder: Path) -> Plan:
        """The plan for these files, written into `folder`."""
        write_files(folder, dict(files))
        plan: Plan = self.value.plan(folder, {})
        return plan
