"""What the image had preinstalled and the model needs."""

from collections.abc import Set as AbstractSet

from abeja.runtime.prepare.interpreters import Version
from abeja.runtime.prepare.requirement import name_of
from abeja.runtime.types import Image

# Old packages import setuptools' pkg_resources and do not say so: until 3.12, every environment had it.
_LAST_WITH_SETUPTOOLS = (3, 11)

# Distributions that install the same modules, and would overwrite each other's files.
_ALTERNATIVES = (
    {"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"},
    {"pillow", "pillow-simd"},
    {"tensorflow", "tensorflow-cpu", "tensorflow-gpu"},
)


def provided_requirements(image: Image, *, imported: AbstractSet[str], asked: AbstractSet[str]) -> tuple[str, ...]:
    """The requirements that the image version always has, and those for the modules that are imported.

    What the model names itself, or names an alternative to, is left out.

    Args:
        image: the image version.
        imported: names of top-level modules.
        asked: normalized names of the distributions that the model asks for itself.
    """
    lines = [*image.always, *(line for module in sorted(imported) for line in image.provides.get(module, ()))]
    taken = set(asked).union(*(group for group in _ALTERNATIVES if not group.isdisjoint(asked)))
    return tuple(line for line in dict.fromkeys(lines) if name_of(line) not in taken)


def seed(version: Version, *, asked: AbstractSet[str]) -> tuple[str, ...]:
    """What an environment of this Python always had."""
    return ("setuptools",) if version[:2] <= _LAST_WITH_SETUPTOOLS and "setuptools" not in asked else ()
