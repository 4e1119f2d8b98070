"""Handler ABI 18.10: the generator ``handler(input_iter, context)``, of the image 18.10 and before."""

from collections.abc import Iterator
from pathlib import Path

from abeja.runtime import Abi, HandlerCode, Review, hookimpl

# As the worker's half has them.
_MEDIA_TYPES = (
    "application/json",
    "image/jpeg",
    "image/png",
    "video/avi",
    "video/x-matroska",
    "video/quicktime",
    "video/mp4",
)
# What an input is, its content type says: methods without a body have no input.
_METHODS = frozenset({"POST", "PUT", "PATCH"})


@hookimpl
def abeja_abis() -> Iterator[Abi]:
    """The ABI of the image 18.10."""
    here = Path(__file__).parent
    yield Abi(
        name="18.10",
        worker=here / "worker" / "__init__.py",
        methods=_METHODS,
        media_types=_MEDIA_TYPES,
        review=_review,
        template=here / "template",
    )


def _review(code: HandlerCode) -> Review:
    # Only those who check wait for this import.
    from abeja_runtime_abis.v18_10.review import review  # noqa: PLC0415

    return review(code)
