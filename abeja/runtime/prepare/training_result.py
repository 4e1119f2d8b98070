"""Puts a training result where the handler looks for it: fetched, extracted, once."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from attrs import frozen

from abeja.runtime.errors import AbejaRuntimeError, FolderOccupiedError, SourceFailedError
from abeja.runtime.prepare.extraction import Extracted, extract
from abeja.runtime.prepare.limits import Limits
from abeja.runtime.prepare.marker import Marker
from abeja.runtime.prepare.placement import Place
from abeja.runtime.prepare.requested_source import RequestedSource
from abeja.runtime.prepare.transfer import Transfer
from abeja.runtime.types import Extractor, Fetch, ResultSource

_log = logging.getLogger("abeja.runtime")

_T = TypeVar("_T")


@frozen(kw_only=True)
class TrainingResult:
    """A training result that was asked for.

    Attributes:
        requested: where it is.
        source: what fetches it from there.
        extractors: what may read it.
        limits: for the download and for what is in it.
        terminal: where progress is drawn; None for lines in the log.
    """

    requested: RequestedSource
    source: ResultSource
    extractors: Sequence[Extractor]
    limits: Limits
    terminal: TextIO | None = None

    def prepare(self, folder: Path) -> None:
        """Make `folder` the training result, unless it is that already.

        Of several processes that ask at once, one does it and the others find it done.

        Raises:
            FolderOccupiedError: there are files in the folder that are not ours.
            TrainingResultError: it cannot be fetched, read or written; the folder is as it was.
        """
        place = Place(folder)
        state = self._asked(lambda: self.source.state(self.requested.text))
        wanted = Marker(source=self.requested.digest(self.source), state=state, sha256=self.requested.sha256)
        if _is_there(place, wanted):
            _log.info("the training result %s is in %s already", self.requested, place.folder)
            return
        _check_free(place)
        with place.locked():
            if _is_there(place, wanted):
                return
            _check_free(place)
            self._make(place, wanted)

    def _make(self, place: Place, wanted: Marker) -> None:
        with place.new_folder() as downloads:
            archive = self._fetch(downloads)
            with place.new_folder() as new:
                extracted = self._extract(archive, new)
                wanted.write(new)
                place.put(new, is_replacing=True)
        _log.info(
            "the training result %s is in %s: %d members, %d bytes",
            *(self.requested, place.folder, extracted.members, extracted.size_bytes),
        )

    def _fetch(self, downloads: Path) -> Path:
        with Transfer("fetching", str(self.requested), terminal=self.terminal) as transfer:
            fetch = Fetch(folder=downloads, limit_bytes=self.limits.total_bytes, progress=transfer)
            archive = self._asked(lambda: self.source.fetch(self.requested.text, fetch))
        self.requested.check(archive)
        return archive

    def _extract(self, archive: Path, new: Path) -> Extracted:
        with Transfer("extracting", str(self.requested), terminal=self.terminal) as transfer:
            return extract(archive, new, extractors=self.extractors, limits=self.limits, progress=transfer)

    def _asked(self, question: Callable[[], _T]) -> _T:
        """What the source answers; whatever it raises is about the source."""
        try:
            return question()
        except AbejaRuntimeError:
            raise
        except Exception as error:  # a third party's code may raise anything
            raise SourceFailedError(
                f"the training result {self.requested} cannot be fetched: {type(error).__name__}: {error}."
            ) from error


def _is_there(place: Place, wanted: Marker) -> bool:
    found = Marker.read(place.folder)
    return found is not None and found.is_as_good_as(wanted)


def _check_free(place: Place) -> None:
    if not place.is_free and Marker.read(place.folder) is None:
        raise FolderOccupiedError(
            f"the folder {place.folder} has files that no training result of abeja-runtime has brought.",
            hint="empty or rename it, or name another one with the variable ABEJA_TRAINING_RESULT_DIR; "
            "without --training-result it is used as it is.",
        )
