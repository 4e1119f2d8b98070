"""What every ABI says of a handler's code, and which of them it is for."""

import datetime
from collections.abc import Iterable, Sequence

from attrs import frozen

from abeja.runtime.errors import PluginError
from abeja.runtime.plugins import Plugins
from abeja.runtime.review.finding import Finding, Level, Remark, Review
from abeja.runtime.review.handler_code import HandlerCode
from abeja.runtime.types import Abi, Image

# The slug of the finding that the code is for another ABI.
MISMATCH = "abi-mismatch"


@frozen
class Opinion:
    """What one ABI says.

    Attributes:
        abi: its name.
        review: what it says.
    """

    abi: str
    review: Review

    @property
    def is_yes(self) -> bool:
        """Whether the code is for this ABI, as far as it says."""
        return bool(self.review.signs) and not self.review.obstacles


def ask(plugins: Plugins, abis: Iterable[Abi], code: HandlerCode) -> tuple[list[Opinion], list[Finding]]:
    """The opinions of those that have one, and what went wrong with the others."""
    opinions, findings = [], []
    for abi in abis:
        try:
            review = plugins.review(abi, code)
        except PluginError as error:
            findings.append(Finding(slug=error.slug, message=error.message.rstrip("."), level=Level.WARNING))
            continue
        if review is not None:
            opinions.append(Opinion(abi.name, review))
    return opinions, findings


def likeliest(opinions: Iterable[Opinion]) -> Opinion | None:
    """The one with the most signs of those that say yes; None if none does, or two say it alike."""
    ranked = sorted((o for o in opinions if o.is_yes), key=lambda opinion: len(opinion.review.signs), reverse=True)
    is_tie = len(ranked) > 1 and len(ranked[0].review.signs) == len(ranked[1].review.signs)
    return None if is_tie or not ranked else ranked[0]


def images_of(abi: str, images: Iterable[Image]) -> list[Image]:
    """Its image versions: the newest first, those without a release date last."""
    return sorted(
        (image for image in images if image.abi == abi),
        key=lambda image: image.released or datetime.date.min,
        reverse=True,
    )


def verdict(
    selected: str, opinions: Sequence[Opinion], *, images: Iterable[Image], is_decorated: bool
) -> tuple[Finding, ...]:
    """What is wrong with the code under the ABI `selected`: that it is for another, or its own findings."""
    own = next((opinion.review for opinion in opinions if opinion.abi == selected), None)
    if own is None:
        return ()
    other = likeliest(opinion for opinion in opinions if opinion.abi != selected)
    if own.obstacles:
        message = f"this is no handler of ABI {selected}: it {own.obstacles[0].text}"
        return (_mismatch(message, own.obstacles[0], other, images, is_certain=not is_decorated),)
    if other is not None and not own.signs:
        message = f"this may be no handler of ABI {selected}: it {other.review.signs[0].text}"
        return (_mismatch(message, other.review.signs[0], other, images, is_certain=False), *own.findings)
    return own.findings


def _mismatch(
    message: str, remark: Remark, other: Opinion | None, images: Iterable[Image], *, is_certain: bool
) -> Finding:
    hint = ""
    if other is not None:
        sign = other.review.signs[0]
        hint = f"it looks like one of ABI {other.abi}: it {sign.text} (line {sign.line})"
        fitting = images_of(other.abi, images)
        if fitting:
            hint += f"; ask for it with --image-version {fitting[0].name}"
    level = Level.ERROR if is_certain else Level.WARNING
    return Finding(slug=MISMATCH, message=message, hint=hint, level=level, line=remark.line)


def undecided(opinions: Sequence[Opinion]) -> Finding:
    """That the code does not say which ABI it is for."""
    mixed = [(opinion.abi, opinion.review.signs[0]) for opinion in opinions if opinion.review.signs]
    because = ", but ".join(f"it {sign.text} (line {sign.line}) as for ABI {abi}" for abi, sign in mixed)
    return Finding(
        slug="abi-undecided",
        message=f"which handler ABI it is for cannot be told{': ' if because else ''}{because}",
        hint="--image-version says it; `abeja-runtime images` says what each is",
        level=Level.ERROR if len(mixed) > 1 else Level.WARNING,
        line=mixed[0][1].line if mixed else 0,
    )
