"""What `--output` names."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from attrs import frozen

from abeja.runtime.batch.folder_output import FolderOutput
from abeja.runtime.batch.json_lines import is_json_lines
from abeja.runtime.batch.lines_output import LinesOutput
from abeja.runtime.batch.output import Output
from abeja.runtime.batch.stdout_output import StdoutOutput
from abeja.runtime.errors import OptionInvalidError
from abeja.runtime.spool import Spool

_STDOUT = "-"
_EARLY = "early-results"


@frozen(kw_only=True)
class Destination:
    """Where the results go.

    Attributes:
        path: a folder, or a file of JSON Lines; None for JSON Lines on stdout.
        is_resuming: whether results may be there already.
    """

    path: Path | None
    is_resuming: bool

    @classmethod
    def parse(cls, text: str | None, *, is_resuming: bool) -> "Destination":
        """What `--output` names.

        Raises:
            OptionInvalidError: it cannot be resumed.
        """
        if text in (None, _STDOUT):
            if is_resuming:
                raise OptionInvalidError(
                    "--resume needs an --output.", hint="what has been written to stdout cannot be taken up again."
                )
            return cls(path=None, is_resuming=False)
        return cls(path=Path(text).expanduser().absolute(), is_resuming=is_resuming)

    @property
    def kind(self) -> type[FolderOutput] | type[LinesOutput]:
        """What writes there, if it is not stdout."""
        return LinesOutput if self.path is not None and is_json_lines(self.path.name) else FolderOutput

    def check(self) -> bool:
        """See that results may be written there; True if an earlier part of the run has written some.

        Raises:
            OutputOccupiedError: they may not.
            OutputFailedError: it cannot be looked at.
        """
        return self.path is not None and self.kind.check(self.path, is_resuming=self.is_resuming)

    def open(
        self, header: Mapping[str, Any], *, spool: Spool, aside: Callable[[], AbstractContextManager[None]]
    ) -> Output:
        """Begin to write, or go on.

        Args:
            header: what is run, for the journal.
            spool: for results that wait, if they cannot wait beside the output.
            aside: makes room on the terminal, for what is written to stdout.

        Raises:
            OutputOccupiedError, OutputFailedError, RunDiffersError, RunInProgressError, RunStateInvalidError:
                see there.
        """
        if self.path is None:
            return StdoutOutput(spool.create_folder(_EARLY), aside=aside)
        return self.kind(self.path, header, is_resuming=self.is_resuming)
