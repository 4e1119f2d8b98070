"""docs/reference/image-versions.md lists what images.toml has."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

REQUIREMENT = re.compile(r"^[\w.-]+")


@pytest.fixture
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs/reference/image-versions.md").read_text()


@pytest.fixture
def images(repository: Path) -> dict[str, dict[str, Any]]:
    """The image versions as the file has them, with what they take over from their base."""
    tables = tomllib.loads((repository / "abeja/runtime/images.toml").read_text())["image"]

    def whole(name: str) -> dict[str, Any]:
        table = tables[name]
        base = whole(table["base"]) if "base" in table else {}
        return {**base, "aliases": [], **table, "provides": {**base.get("provides", {}), **table.get("provides", {})}}

    return {name: whole(name) for name in tables}


def test_table_has_every_image_version_with_its_world(page: str, images: dict[str, dict[str, Any]]) -> None:
    described = re.findall(r"^\| `([\w.]+)` \| \[([\d.]+)\]\(\S+\) \| (.+?) \| (.+?) \| (.*?) ?\|$", page, re.MULTILINE)

    assert described == [
        (
            name,
            image["abi"],
            image.get("python", "the server's"),
            str(image.get("released", "today")),
            ", ".join(f"`{alias}`" for alias in image["aliases"]),
        )
        for name, image in images.items()
    ]


def test_what_all_have_is_what_all_have(page: str, images: dict[str, dict[str, Any]]) -> None:
    for kind in ("encoders", "extractors", "installers"):
        (said,) = re.findall(rf"{kind}\s+((?:`\w+`(?:, )?)+)", page)
        assert all(image[kind] == re.findall(r"\w+", said) for image in images.values())


def test_table_has_every_package_that_an_image_provides(page: str, images: dict[str, dict[str, Any]]) -> None:
    described = {module: re.findall(r"`(.+?)`", packages) for module, packages in _packages(page)}

    for image in images.values():
        assert described == {module: _names(asked) for module, asked in image["provides"].items()}


def _packages(page: str) -> list[tuple[str, str]]:
    section = page.partition("## What the images had")[2]
    return re.findall(r"^\| `(\w+)` \| (.+?) \|$", section, re.MULTILINE)


def _names(asked: str | list[str]) -> list[str]:
    """The names of the packages, each once: requirements may differ by the Python."""
    lines = [asked] if isinstance(asked, str) else asked
    names = [match[0] for line in lines if (match := REQUIREMENT.match(line))]
    return list(dict.fromkeys(names))
