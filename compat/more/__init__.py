"""Further pairs, which nobody recorded: the original and ours play them in one run."""

from compat.more import bodies, elements, files, iterables, reading, replies, rows, scalars, state
from compat.pairs import Pair


def pairs_19_04() -> list[Pair]:
    """All further pairs of ABI 19.04."""
    modules = (elements, rows, files, iterables, scalars, replies, reading, bodies, state)
    return [pair for module in modules for pair in module.pairs()]
