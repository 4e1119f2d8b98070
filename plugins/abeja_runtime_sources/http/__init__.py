"""http:// and https:// URLs: downloaded with retries, continued where they broke off."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Fetch, ResultSource, hookimpl


@hookimpl
def abeja_sources() -> Iterator[ResultSource]:
    """The source `http`."""
    yield ResultSource(name="http", takes=_takes, state=_state, fetch=_fetch)


def _takes(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _state(_: str) -> str:
    """Nothing: a second start needs no network."""
    return ""


def _fetch(text: str, fetch: Fetch) -> Path:
    # Imported when something is downloaded, not at every start.
    from abeja_runtime_sources.http.download import download  # noqa: PLC0415

    return download(text, fetch)
