"""The shipped image versions are the same for every TOML reader."""

import tomllib
from pathlib import Path

import toml


def test_tomllib_and_toml_read_images_toml_alike(repository: Path) -> None:
    text = (repository / "abeja/runtime/images.toml").read_text(encoding="utf-8")

    images = tomllib.loads(text)

    assert toml.loads(text) == images
    assert {"18.10", "19.04", "19.10", "20.02", "20.10", "latest"} == set(images["image"])
