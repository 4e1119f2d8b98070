"""Handler ABI 19.04: ``handler(request, context) -> dict``, of the images 19.04 and later."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Abi, HandlerCode, Review, hookimpl


@hookimpl
def abeja_abis() -> Iterator[Abi]:
    """The ABI of the images 19.04 to 20.10."""
    here = Path(__file__).parent
    yield Abi(
        name="19.04", worker=here / "worker.py", parses_multipart=True, review=_review, template=here / "template"
    )


def _review(code: HandlerCode) -> Review:
    # Only those who check wait for this import.
    from abeja_runtime_abis.v19_04.review import review  # noqa: PLC0415

    return review(code)
