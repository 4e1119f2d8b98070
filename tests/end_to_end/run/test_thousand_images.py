"""A thousand images through `run`, with killed workers, Ctrl-C and SIGKILL in between: each result once, in order."""

import json
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.batches import Batch, batch_in, kill_a_worker

cv2 = pytest.importorskip("cv2")
np = pytest.importorskip("numpy")

_log = logging.getLogger(__name__)

IMAGES = 1000
NAMES = [f"{number:04}.png" for number in range(IMAGES)]
# A picture has its number in the colour of its pixels, which the handler finds in it.
HANDLER = """
import os
import time

import cv2
import numpy as np


def handler(request, context):
    picture = cv2.imdecode(np.frombuffer(request.read(), np.uint8), cv2.IMREAD_COLOR)
    blue, green, _ = map(int, picture[0, 0])
    number = 256 * green + blue
    with open(os.environ["CALLS"], "a") as calls:
        calls.write("%d\\n" % number)
    time.sleep(0.002)
    if number % 100 == 99:
        raise ValueError("not this one")
    return {"content_type": "application/json", "content": {"number": number, "shape": list(picture.shape)}}
"""


@pytest.fixture
def batch(command: Path, environ: dict[str, str], tmp_path: Path) -> Iterator[Batch]:
    """A thousand pictures."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "main.py").write_text(HANDLER)
    for batch in batch_in(tmp_path, command=command, handler=model, environ=environ):
        for number, name in enumerate(NAMES):
            picture = np.full((64, 96, 3), (number % 256, number // 256, 200), np.uint8)
            assert cv2.imwrite(str(tmp_path / "in" / name), picture)
        yield batch


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_thousand_images_have_each_result_exactly_once_and_in_order(batch: Batch, output: str) -> None:
    arguments = ("--input", "in", "--output", output, "--workers", "2", "--report", "report.json")
    process = batch.start(*arguments)
    for done in (100, 200):
        batch.wait_for(done)
        kill_a_worker(process.pid)
    batch.wait_for(350)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    done_at_first = batch.journaled()

    process = batch.start(*arguments, "--resume")
    batch.wait_for(600)
    process.kill()
    process.communicate()
    done_at_last = batch.journaled()

    batch.run(*arguments, "--resume", code=1)

    # Nothing that was done was done again; what the killed process had in hand was.
    assert sorted(batch.journaled()) == NAMES
    calls = batch.calls()
    again = {number for number, count in calls.items() if count > 1}
    assert again.isdisjoint(str(int(name.removesuffix(".png"))) for name in done_at_last)
    # Six, for two workers: what each runs, has got ahead, and what is being read or written.
    assert calls.total() <= IMAGES + 6
    assert len(done_at_first) < len(done_at_last) < IMAGES
    report = json.loads((batch.folder / "report.json").read_text())
    _log.info("%s", json.dumps({**report, "done": [len(done_at_first), len(done_at_last)], "calls": calls.total()}))
    failures = _results_of_a_folder(batch) if output == "out" else _results_of_lines(batch)
    killed = {name for name, status in failures.items() if status == 502}
    # A worker may be killed before it says that it was called.
    assert {NAMES[int(number)] for number in calls} | killed == set(NAMES)
    assert {name for name, status in failures.items() if status == 500} | killed >= set(NAMES[99::100])
    assert len(killed) <= 2
    assert (report["succeeded"], report["failed"]) == (IMAGES - len(failures), len(failures))

    batch.run(*arguments, "--retry-failed", code=1)

    failures = _results_of_a_folder(batch) if output == "out" else _results_of_lines(batch)
    assert failures == dict.fromkeys(NAMES[99::100], 500)
    assert not any((batch.folder / "tmp").iterdir())


def _results_of_lines(batch: Batch) -> dict[str, int]:
    """The failures, with their status; everything else must be as it should."""
    lines = batch.lines()
    assert [line["input"] for line in lines] == NAMES
    for number, line in enumerate(lines):
        assert line["error"] or line["body"] == {"number": number, "shape": [64, 96, 3]}
    return {line["input"]: line["status"] for line in lines if line["error"]}


def _results_of_a_folder(batch: Batch) -> dict[str, int]:
    """As above."""
    files = batch.files()
    assert [name.partition(".")[0] for name in files] == [name.removesuffix(".png") for name in NAMES]
    failures = {}
    for number, name in enumerate(files):
        fields = json.loads((batch.folder / "out" / name).read_text())
        if name.endswith(".error"):
            failures[fields["input"]] = fields["status"]
        else:
            assert fields == {"number": number, "shape": [64, 96, 3]}
    return failures
