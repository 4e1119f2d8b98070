"""Which Pythons have a wheel of a package."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from abeja.runtime.prepare.recipe import Recipe
from abeja.runtime.prepare.tool import Tool
from abeja.runtime.prepare.uv import find_uv

_MINORS = range(5, 15)


def pythons_with_wheel(name: str, version: str, *, recipe: Recipe, tool: Tool) -> Sequence[str]:
    """The Pythons for which this machine could install a wheel of ``name==version``, such as ``3.6``."""
    has_wheel = partial(_has_wheel, f"{name}=={version}", recipe=recipe, tool=tool)
    with ThreadPoolExecutor() as executor:
        found = executor.map(has_wheel, _MINORS)
        return [f"3.{minor}" for minor, exists in zip(_MINORS, found, strict=True) if exists]


def _has_wheel(pin: str, minor: int, *, recipe: Recipe, tool: Tool) -> bool:
    outcome = tool.run([
        find_uv(), "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--no-config",
        "--python", recipe.interpreter.path, "--python-version", f"3.{minor}", "--target", tool.folder,
        *recipe.indexes.uv_arguments, pin,
    ])  # fmt: skip
    return outcome.is_success
