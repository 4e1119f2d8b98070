"""What takes the results of a run."""

from pathlib import Path
from typing import Any, Protocol

from abeja.runtime.batch.line import fields_of
from abeja.runtime.batch.past import Past
from abeja.runtime.batch.result import Result
from abeja.runtime.errors import OutputFailedError, OutputOccupiedError


class Output(Protocol):
    """Takes the results, in any order, and keeps them in the order of the inputs."""

    @property
    def past(self) -> Past:
        """What it has already."""

    @property
    def held(self) -> int:
        """How many results wait for the one of an input before theirs."""

    async def put(self, result: Result) -> None:
        """Take one; its spool file goes.

        When this returns, no end of this process can lose it. It is brought to the disk later.

        Raises:
            OutputFailedError: it cannot be written.
        """

    async def sync(self) -> None:
        """Bring the results to the disk.

        Raises:
            OutputFailedError: see above.
        """

    async def close(self, *, is_complete: bool) -> None:
        """The last result was taken.

        Args:
            is_complete: whether all inputs are done.

        Raises:
            OutputFailedError: see above.
        """


def entry_of(result: Result) -> dict[str, Any]:
    """What a journal says of a result."""
    shown = fields_of(result)
    del shown["content_type"]
    return {"n": result.item.number, "of": result.identity, **shown}


def check_occupied(path: Path, *, is_resuming: bool, has_journal: bool) -> None:
    """See that no result is overwritten.

    Args:
        path: a file or folder that has something in it.
        is_resuming: whether the run is to go on.
        has_journal: whether a run has left the journal of `path`.

    Raises:
        OutputOccupiedError: it must not be written to.
    """
    if has_journal and not is_resuming:
        raise OutputOccupiedError(
            f"{path} has the results of a run.",
            hint="--resume goes on with it; for a new run, give another --output or remove it.",
        )
    if not has_journal:
        raise OutputOccupiedError(
            f"{path} has something that no run of abeja-runtime has left there.",
            hint="nothing is overwritten: give an --output that does not exist yet.",
        )


def failed(path: Path | str, error: OSError) -> OutputFailedError:
    """The error for a result that cannot be written."""
    return OutputFailedError(f"the results cannot be written to {path}: {error.strerror or error}.")
