"""Handlers of 2018 on the Python and the packages of 2018, which decode their input; packages come from the index."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from compat import pythons

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HANDLERS = Path(__file__).parents[1] / "tests/handlers/18.10"
EXAMPLES = Path(__file__).parents[1] / "examples"
VERSIONS = (
    "import sys, cv2, numpy, PIL, json; "
    "print(json.dumps([list(sys.version_info[:2]), cv2.__version__, numpy.__version__, PIL.__version__]))"
)
RATE = 10

Ask = Callable[..., bytes]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the commands: one cache for all tests, as the handlers share one environment."""
    pythons.require("3.6")
    cache = tmp_path_factory.mktemp("cache")
    return {**os.environ, "ABEJA_RUNTIME_ENV": "auto", "XDG_CACHE_HOME": str(cache)}


def run(*arguments: str | Path, variables: dict[str, str]) -> bytes:
    command = [sys.executable, "-m", "abeja.runtime", *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def ask(variables: dict[str, str], tmp_path: Path) -> Ask:
    """Calls a handler with a file: ``ask("boxes", "image.png", b"...")``."""

    def one(folder: str | Path, name: str, body: bytes, *options: str) -> bytes:
        path = tmp_path / name
        path.write_bytes(body)
        where = ("--image", "abeja/all-cpu:18.10", "--model-dir", HANDLERS / folder)
        return run("run-local", *where, "--input", path, "--quiet", *options, variables=variables)

    return one


@pytest.fixture(scope="module")
def png() -> bytes:
    """Eight by four pixels of one colour."""
    return picture("PNG", (255, 0, 51))


def picture(format_: str, colour: tuple[int, int, int], mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 4), colour).convert(mode).save(buffer, format_)
    return buffer.getvalue()


def video(folder: Path, seconds: int) -> bytes:
    path = folder / "written.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (160, 120))
    frame = np.zeros((120, 160, 3), np.uint8)
    for number in range(seconds * RATE):
        frame[:] = number % 200
        writer.write(frame)
    writer.release()
    return path.read_bytes()


@pytest.mark.parametrize("folder", ["frames", "classifier"])
def test_libraries_are_those_of_the_day_whether_they_are_imported_or_not(
    variables: dict[str, str], folder: str
) -> None:
    where = ("--image", "abeja/all-cpu:18.10", "--model-dir", HANDLERS / folder)

    python = run("install", *where, variables=variables).decode().strip()

    versions = json.loads(subprocess.check_output([python, "-c", VERSIONS]))
    assert versions == [[3, 6], "3.4.3", "1.15.3", "5.3.0"]


def test_classifier(ask: Ask, png: bytes) -> None:
    answer = json.loads(ask("classifier", "image.png", png))

    assert answer == {"shape": [4, 8, 3], "red": 1.0, "green": 0.0, "blue": pytest.approx(0.2)}


def test_boxes(ask: Ask, png: bytes) -> None:
    assert [box["label"] for box in json.loads(ask("boxes", "image.png", png))] == ["left", "right"]


def test_scores(ask: Ask) -> None:
    answer = json.loads(ask("scores", "input.json", b"[0.5, 0.25]"))

    assert answer["result"] == [{"label": 0, "score": 0.5}, {"label": 1, "score": 0.25}]


def test_example(ask: Ask) -> None:
    answer = json.loads(ask(EXAMPLES / "mean_colour", "cat.jpg", (EXAMPLES / "flip/cat.jpg").read_bytes()))

    assert answer == {"width": 160, "height": 120, "colour": "#99afab"}


def test_picture(ask: Ask, png: bytes) -> None:
    with Image.open(io.BytesIO(ask("picture", "image.png", png)), formats=["JPEG"]) as image:
        assert image.size == (8, 4)


def test_words(ask: Ask) -> None:
    assert json.loads(ask("words", "input.json", b'{"text": " a  b "}')) == "a b"


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_kinds_of_png(ask: Ask, mode: str) -> None:
    answer: Any = json.loads(ask("classifier", "image.png", picture("PNG", (255, 255, 255), mode)))

    assert answer == {"shape": [4, 8, 3], "red": 1.0, "green": 1.0, "blue": 1.0}


def test_png_of_16_bits(ask: Ask) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 8), 0x80FF, np.uint16)).save(buffer, "PNG")

    answer = json.loads(ask("classifier", "image.png", buffer.getvalue()))

    assert answer["red"] == pytest.approx(0x80 / 255)


def test_cmyk(ask: Ask) -> None:
    answer = json.loads(ask("classifier", "image.jpg", picture("JPEG", (255, 255, 255), "CMYK")))

    assert answer["red"] > 0.98


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_image_without_pillow(ask: Ask, tmp_path: Path, mode: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "PIL.py").write_text("raise ImportError('there is no PIL')\n")
    (model / "main.py").write_text("def handler(images, context):\n    yield [image.tolist() for image in images]\n")

    answer = json.loads(ask(model, "image.png", picture("PNG", (255, 255, 255), mode)))

    assert answer == [[[[255, 255, 255]] * 8] * 4]


def test_positions_of_frames(ask: Ask, tmp_path: Path) -> None:
    answer = json.loads(ask("frames", "video.avi", video(tmp_path, 1)))

    assert [(number, position) for number, position, _, _ in answer["frames"]] == [(n, n * 100) for n in range(RATE)]


def test_ten_minutes_of_video_need_no_more_memory_than_six_seconds(ask: Ask, tmp_path: Path) -> None:
    body = video(tmp_path, 600)

    seen = json.loads(ask("frames", "video.avi", body, "--handler", "main:memory"))

    assert (seen["count"], seen["last"]) == (600 * RATE, (600 * RATE - 1) * 1000 // RATE)
    # All frames together are 330 MiB.
    assert seen["late"] - seen["early"] < 40 * 1024
