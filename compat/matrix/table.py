"""Prints the matrix: ``python table.py FOLDER``, where FOLDER has the records of the cells.

The exit code is 1 if something failed or nothing was recorded.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    """Print the table of the records in `folder`."""
    cells = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if not cells:
        print(f"no cell of the matrix was run: {folder} has no records")
        return 1
    servers = sorted({cell["server"] for cell in cells}, key=_version)
    workers = sorted({cell["worker"] for cell in cells}, key=_version)
    images = sorted({image for cell in cells for image in cell["images"]})
    by_place = {(cell["server"], cell["worker"]): cell for cell in cells}
    rows = [
        (image, worker, *(_shown(by_place.get((server, worker)), image) for server in servers))
        for image in images
        for worker in workers
    ]
    _print([("IMAGE", "HANDLER'S PYTHON", *(f"SERVER {server}" for server in servers)), *rows])
    missing = [cell["worker"] for cell in cells if not cell["is_here"]]
    for worker in sorted(set(missing), key=_version):
        print(f"Python {worker} is not on this machine: its rows are skipped.")
    return any(counts.get("failed") for cell in cells for counts in cell["images"].values())


def _shown(cell: dict[str, Any] | None, image: str) -> str:
    counts = cell["images"].get(image, {}) if cell is not None else {}
    if not counts:
        return "not run"
    passed, failed, skipped = (counts.get(outcome, 0) for outcome in ("passed", "failed", "skipped"))
    total = passed + failed + skipped
    if failed:
        return f"{failed} of {total} FAILED"
    return f"{passed} of {total} passed" if passed else "skipped"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _print(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
