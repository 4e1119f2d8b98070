"""Writes down what came of a cell, for the table."""

import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from compat import pythons
from compat.matrix import worker


class Record:
    """Counts outcomes by image version, and writes them to a file.

    Args:
        folder: where the files of all cells are.
    """

    def __init__(self, folder: Path) -> None:
        server = f"{sys.version_info[0]}.{sys.version_info[1]}"
        self._path = folder / f"server-{server}-worker-{worker.VERSION}.json"
        self._cell = {"server": server, "worker": worker.VERSION, "is_here": worker.is_here()}
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        # A run that breaks off must not leave what an earlier one found.
        self._path.unlink(missing_ok=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        image = dict(report.user_properties).get("image")
        if image is not None and (report.when == "call" or not report.passed):
            self._counts[str(image)][report.outcome] += 1

    def pytest_sessionfinish(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({**self._cell, "images": self._counts}, indent=4), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Record the cell if COMPAT_RECORD names the folder of the records."""
    folder = os.environ.get("COMPAT_RECORD")
    if folder:
        config.pluginmanager.register(Record(Path(folder)))


@pytest.fixture(autouse=True)
def _is_on_this_machine() -> None:
    pythons.require(worker.VERSION)
