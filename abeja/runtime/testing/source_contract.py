"""What a source of training results promises."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from abeja.runtime.errors import SourceFailedError
from abeja.runtime.testing.plugin_contract import Parameters, PluginContract, raised_by
from abeja.runtime.types import Fetch

_CONTENT = bytes(range(256)) * 1024
_ODD_TEXTS = ("", " ", "x", ":", "://", "http://[", "s3://", "\u00e9://\u00e9", "a\nb", "../..", "x" * 5000)


class SourceContract(PluginContract):
    """What a source promises.

    Example::

        class TestS3(SourceContract):
            plugin = s3_source
            foreign = ["http://127.0.0.1/a.tar", "/a.tar"]

            @contextmanager
            def publish(self, content, folder):
                with a_server_that_has(content) as bucket:
                    yield f"s3://{bucket}/result.tar"

    Attributes:
        foreign: texts that name something of other sources.
    """

    kind = "source"
    foreign: Sequence[str] = ()

    def publish(self, content: bytes, folder: Path) -> AbstractContextManager[str]:
        """Make something of these bytes that can be fetched, for as long as the context lasts.

        Args:
            content: the bytes.
            folder: empty, and the test's own.

        Returns:
            A context whose value is the text that ``--training-result`` would be given.
        """
        raise NotImplementedError("a subclass of SourceContract has a method `publish(content, folder)`")

    def missing(self, text: str) -> str:
        """A text for something that does not exist, beside what `text` names."""
        return f"{text}.missing"

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {"other": {text: text for text in ("x-unheard-of://host/path", *self.foreign)}}

    def test_it_takes_its_own(self, tmp_path: Path) -> None:
        """A text of its own is taken."""
        with self.publish(b"", tmp_path) as text:
            assert self.value.takes(text) is True

    def test_it_leaves_what_is_of_others(self, other: str) -> None:
        """Exactly one source must take a text."""
        assert self.value.takes(other) is False

    def test_asking_about_any_text_says_yes_or_no(self) -> None:
        """It is asked about what is not its own, and must not raise then."""
        for text in _ODD_TEXTS:
            assert self.value.takes(text) in (True, False), repr(text)

    def test_the_state_is_the_same_as_long_as_nothing_changes(self, tmp_path: Path) -> None:
        """A result is fetched anew when it changes."""
        with self.publish(_CONTENT, tmp_path) as text:
            states = [self.value.state(text) for _ in range(2)]
            assert isinstance(states[0], str)
            assert states[0] == states[1]

    def test_it_fetches_what_is_there(self, tmp_path: Path) -> None:
        """What is downloaded is in the folder that is given for it; what is local may stay where it is."""
        with self.publish(_CONTENT, _folder(tmp_path, "published")) as text:
            path = self.value.fetch(text, self._fetch(tmp_path, limit_bytes=len(_CONTENT)))
            assert path.read_bytes() == _CONTENT

    def test_it_reports_its_progress(self, tmp_path: Path) -> None:
        """Never backwards, never beyond what is expected, and to the end, if anything is downloaded."""
        seen: list[tuple[int, int | None]] = []
        with self.publish(_CONTENT, _folder(tmp_path, "published")) as text:
            fetch = self._fetch(tmp_path, limit_bytes=len(_CONTENT), seen=seen)
            path = self.value.fetch(text, fetch)

        counts = [there for there, _ in seen]
        assert counts == sorted(counts)
        assert all(expected is None or there <= expected for there, expected in seen)
        if path.is_relative_to(fetch.folder):
            assert counts, "nothing was reported"
            assert counts[-1] == len(_CONTENT)

    def test_it_downloads_no_more_than_the_limit(self, tmp_path: Path) -> None:
        """A download above the limit fails, and most of it is never written."""
        limit_bytes = 1024
        with self.publish(_CONTENT, _folder(tmp_path, "published")) as text:
            fetch = self._fetch(tmp_path, limit_bytes=limit_bytes)
            error = raised_by(self.value.fetch, text, fetch)

        written = sum(path.stat().st_size for path in fetch.folder.rglob("*") if path.is_file())
        assert written <= limit_bytes, f"{written} bytes were written, of which {limit_bytes} are allowed"
        assert error is None or isinstance(error, SourceFailedError), f"expected SourceFailedError, found {error!r}"

    def test_what_does_not_exist_is_an_error_that_says_so(self, tmp_path: Path) -> None:
        """Anything else would be taken for a bug."""
        with self.publish(b"", _folder(tmp_path, "published")) as text:
            error = raised_by(self.value.fetch, self.missing(text), self._fetch(tmp_path, limit_bytes=1024))

        assert isinstance(error, SourceFailedError), f"expected SourceFailedError, found {error!r}"
        assert error.message.strip()

    def _fetch(self, tmp_path: Path, *, limit_bytes: int, seen: list[tuple[int, int | None]] | None = None) -> Fetch:
        reports: list[tuple[int, int | None]] = [] if seen is None else seen
        return Fetch(
            folder=_folder(tmp_path, "download"),
            limit_bytes=limit_bytes,
            progress=lambda there, expected: reports.append((there, expected)),
        )


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
