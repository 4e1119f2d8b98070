"""The oldest versions that are promised are the ones that are tested."""

import configparser
import re
import tomllib
from pathlib import Path


def test_the_environment_lowest_has_the_lower_bounds(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(repository / "tox.ini", encoding="utf-8")

    bounds = [re.fullmatch(r"([a-z-]+)>=([\d.]+)(,<[\d.]+)?", line) for line in project["dependencies"]]

    assert all(bounds), project["dependencies"]
    tested = set(tox["testenv:lowest"]["deps"].split())
    assert tested == {f"{bound[1]}=={bound[2]}" for bound in bounds if bound}
