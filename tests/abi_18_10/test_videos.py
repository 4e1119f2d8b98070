"""Video inputs, decoded by each of the libraries that can."""

import importlib.util
import json
import logging
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from abeja.runtime.testing import HandlerClient
from tests.abi_18_10.conftest import Ask

FRAMES, RATE = 7, 20
# Rows of 210 bytes, which decoders pad.
WIDTH, HEIGHT = 70, 48
PATTERNS = 12
# An OpenCV as a machine without libGL has it, and one that was built without FFmpeg.
BROKEN_OPENCV = "raise ImportError('libGL.so.1: cannot open shared object file')\n"
LIMITED_OPENCV = """
class VideoCapture:
    def __init__(self, path):
        pass

    def read(self):
        return False, None

    def get(self, what):
        return 0.0

    def release(self):
        pass


CAP_PROP_POS_MSEC, CAP_PROP_FPS = 0, 5


def getBuildInformation():
    return "  Video I/O:\\n    DC1394:    NO\\n    FFMPEG:                      NO\\n    GStreamer:   NO\\n"
"""
BROKEN_PYAV = "raise ImportError('libavcodec.so.60: cannot open shared object file')\n"
ENCODE_IN_ANOTHER_ORDER = """
import sys
import av
import numpy

with av.open(sys.argv[1], "w") as container:
    stream = container.add_stream("mpeg4", rate=25, options={"bf": "2"})
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(12):
        frame = av.VideoFrame.from_ndarray(numpy.full((48, 64, 3), 20 * number, numpy.uint8), format="rgb24")
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
"""

needs_pyav = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not on this Python")


@pytest.fixture(params=["OpenCV", pytest.param("PyAV", marks=needs_pyav)])
def frames(request: pytest.FixtureRequest, repository: Path, tmp_path: Path) -> Path:
    """The handler `frames`, in an environment that has this library."""
    folder = tmp_path / "model"
    shutil.copytree(repository / "tests/handlers/18.10/frames", folder)
    if request.param == "PyAV":
        (folder / "cv2.py").write_text(BROKEN_OPENCV)
    return folder


@pytest.fixture
def without_opencv(tmp_path: Path) -> Path:
    """A handler that counts its input, beside an OpenCV that cannot be imported."""
    folder = tmp_path / "counting"
    folder.mkdir()
    (folder / "cv2.py").write_text(BROKEN_OPENCV)
    (folder / "main.py").write_text("def handler(input_iter, context):\n    yield len(list(input_iter))\n")
    return folder


def video(folder: Path, extension: str, codec: str) -> bytes:
    """Seven frames whose red grows by 30 each."""
    path = folder / f"video.{extension}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), RATE, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for number in range(FRAMES):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frame[:, :, 2] = 30 * number
        writer.write(frame)
    writer.release()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("video/avi", ("avi", "MJPG")),
        ("video/x-msvideo", ("avi", "mp4v")),
        ("video/vnd.avi", ("avi", "MJPG")),
        ("video/x-matroska", ("mkv", "mp4v")),
        ("video/quicktime", ("mov", "mp4v")),
        ("video/mp4; codecs=mp4v", ("mp4", "mp4v")),
    ],
)
def test_video_is_a_dict_for_each_frame(
    ask: Ask, frames: Path, tmp_path: Path, content_type: str, form: tuple[str, str]
) -> None:
    reply = ask(frames, video(tmp_path, *form), content_type=content_type)

    assert reply.status == 200
    numbers, positions, colours, shapes = zip(*reply.json()["frames"], strict=True)
    assert numbers == tuple(range(FRAMES))
    assert positions == tuple(1000 // RATE * number for number in range(FRAMES))
    assert set(map(tuple, shapes)) == {(HEIGHT, WIDTH, 3)}
    expected = [(30 * number, 0, 0) for number in range(FRAMES)]
    assert np.abs(np.array(colours) - np.array(expected)).max() < 10


def test_frame_has_the_documented_keys_and_types(ask: Ask, frames: Path, tmp_path: Path) -> None:
    reply = ask(frames, video(tmp_path, "avi", "MJPG"), content_type="video/avi", handler="main:first")

    assert reply.json() == ["image", "pos_frames", "pos_msec"]


def test_video_that_is_a_file_is_read_from_there(ask: Ask, frames: Path, tmp_path: Path) -> None:
    # The bytes behind an AVI are no part of it.
    body = video(tmp_path, "avi", "MJPG") + b"\0" * 200_000

    assert ask(frames, body, content_type="video/avi").json()["count"] == FRAMES


def test_each_frame_may_be_a_result(ask: Ask, frames: Path, tmp_path: Path) -> None:
    reply = ask(frames, video(tmp_path, "mp4", "mp4v"), content_type="video/mp4", handler="main:each")

    assert reply.body.count(b"\n") == FRAMES - 1


def test_frames_are_not_kept(ask: Ask, frames: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (320, 240))
    for _ in range(600):
        writer.write(np.zeros((240, 320, 3), np.uint8))
    writer.release()

    seen = ask(frames, path.read_bytes(), content_type="video/avi", handler="main:memory").json()

    assert (seen["count"], seen["last"]) == (600, 599 * 1000 // RATE)
    # Together they are 135 MiB.
    assert seen["late"] - seen["early"] < 20 * 1024


def test_video_that_is_cut_off_ends_there(ask: Ask, frames: Path, tmp_path: Path) -> None:
    body = video(tmp_path, "mkv", "MJPG")

    reply = ask(frames, body[: len(body) // 2], content_type="video/x-matroska")

    assert 0 < reply.json()["count"] < FRAMES


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n"
PICTURE = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize("body", [b"", b"no video", PICTURE, PLAYLIST, b"ffconcat version 1.0\nfile /etc/hostname\n"])
def test_what_is_no_video_is_400(ask: Ask, frames: Path, body: bytes) -> None:
    reply = ask(frames, body, content_type="video/mp4")

    assert reply.status == 400
    assert reply.json()["status"] == "the body is no AVI, Matroska, QuickTime or MP4 video"


@pytest.mark.parametrize(
    "body",
    [b"RIFF\0\0\0\0AVI " + b"\0" * 100, b"\x1a\x45\xdf\xa3" + b"\0" * 100, b"\0\0\0\x14ftypisom" + b"\0" * 100],
    ids=["avi", "mkv", "mp4"],
)
def test_broken_video_is_400(ask: Ask, frames: Path, body: bytes) -> None:
    reply = ask(frames, body, content_type="video/mp4")

    assert (reply.status, reply.json()["status"]) == (400, "the video cannot be decoded")


def test_mp4_without_its_index_is_400(ask: Ask, frames: Path, tmp_path: Path) -> None:
    body = video(tmp_path, "mp4", "mp4v")

    assert ask(frames, body[: len(body) // 2], content_type="video/mp4").status == 400


def seen(ask: Ask, folder: Path, body: bytes) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Numbers and positions of the frames, and their pixels."""
    (folder / "main.py").write_text(
        "def handler(input_iter, context):\n"
        "    for frame in input_iter:\n"
        "        yield [frame['pos_frames'], frame['pos_msec'], frame['image'].tolist()]\n"
    )
    # The content, not its type, says what a video is.
    lines = [json.loads(line) for line in ask(folder, body, content_type="video/avi").body.splitlines()]
    return [(number, position) for number, position, _ in lines], np.array([pixels for *_, pixels in lines], np.int16)


@needs_pyav
@pytest.mark.parametrize(
    ("extension", "codec", "share"),
    [
        ("avi", "MJPG", 1),
        ("avi", "mp4v", 1),
        ("mkv", "mp4v", 1),
        ("mov", "mp4v", 1),
        ("mp4", "mp4v", 1),
        ("mkv", "mp4v", 0.7),
        ("mkv", "MJPG", 0.7),
    ],
)
def test_both_libraries_give_the_same(
    ask: Ask, tmp_path: Path, without_opencv: Path, *, extension: str, codec: str, share: float
) -> None:
    with_opencv = tmp_path / "with"
    with_opencv.mkdir()
    body = pattern(tmp_path, extension, codec)
    body = body[: int(len(body) * share)]

    positions, pixels = seen(ask, with_opencv, body)
    positions_of_pyav, pixels_of_pyav = seen(ask, without_opencv, body)

    assert (0 < len(positions) < PATTERNS) if share < 1 else len(positions) == PATTERNS
    assert positions_of_pyav == positions
    assert np.abs(pixels_of_pyav - pixels).mean() < 1


def pattern(folder: Path, extension: str, codec: str) -> bytes:
    """Frames in which each pixel and each channel has a value of its own."""
    path = folder / f"pattern.{extension}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 12.5, (WIDTH, HEIGHT))
    down, right = np.mgrid[0:HEIGHT, 0:WIDTH]
    for number in range(PATTERNS):
        writer.write(np.stack([right * 4, down * 5, (right + down) * 2 + number], axis=-1).astype(np.uint8))
    writer.release()
    return path.read_bytes()


def test_video_that_is_broken_further_on_ends_there(ask: Ask, frames: Path, tmp_path: Path) -> None:
    body = video(tmp_path, "avi", "MJPG")
    # The fifth picture is no JPEG.
    parts = body.split(b"\xff\xd8\xff")
    parts[5] = bytes(len(parts[5]))

    reply = ask(frames, b"\xff\xd8\xff".join(parts), content_type="video/avi")

    assert reply.json()["count"] == 4


def test_title_in_another_encoding_does_not_matter(ask: Ask, frames: Path, tmp_path: Path) -> None:
    body = video(tmp_path, "avi", "MJPG")
    title = "映画".encode("shift_jis")
    chunk = b"INFOINAM" + struct.pack("<I", len(title)) + title
    information = b"LIST" + struct.pack("<I", len(chunk)) + chunk
    titled = b"RIFF" + struct.pack("<I", len(body) - 8 + len(information)) + b"AVI " + information + body[12:]

    assert ask(frames, titled, content_type="video/avi").json()["count"] == FRAMES


@pytest.mark.parametrize(
    "deed", ["pass", "next(input_iter)", "list(input_iter)", "next(input_iter), 1 / 0", "KEPT.append(input_iter)"]
)
def test_video_is_closed_whenever_the_handler_stops(
    frames: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, deed: str
) -> None:
    caplog.set_level(logging.INFO)
    # What nobody closes stays open.
    (frames / "main.py").write_text(
        "import gc, os\n"
        "gc.disable()\n"
        "KEPT = []\n"
        "def handler(input_iter, context):\n"
        "    print('open files: %d.' % len(os.listdir('/proc/self/fd')))\n"
        f"    {deed}\n"
        "    yield 'done'\n"
    )
    body = video(tmp_path, "mkv", "MJPG")

    with HandlerClient(worker=True, model_dir=frames, image_version="18.10", env="inherit") as client:
        for _ in range(4):
            client.post(body=body, content_type="video/x-matroska")

    # The first request may open what stays open, such as libraries.
    _, *counts = re.findall(r"open files: (\d+)\.", caplog.text)
    assert len(counts) == 3
    assert len(set(counts)) == 1


@needs_pyav
def test_frames_that_an_avi_has_in_another_order_follow_one_another(
    ask: Ask, tmp_path: Path, without_opencv: Path
) -> None:
    path = tmp_path / "video.avi"
    # Not in this process, which has OpenCV's FFmpeg.
    subprocess.run([sys.executable, "-c", ENCODE_IN_ANOTHER_ORDER, path], check=True)

    positions, _ = seen(ask, without_opencv, path.read_bytes())

    assert positions == [(number, 40 * number) for number in range(12)]


@needs_pyav
@pytest.mark.parametrize("opencv", [LIMITED_OPENCV, "raise AttributeError('cv2.dnn has no DictValue')\n"])
def test_opencv_that_cannot_decode_leaves_it_to_pyav(
    ask: Ask, tmp_path: Path, without_opencv: Path, opencv: str
) -> None:
    (without_opencv / "cv2.py").write_text(opencv)

    assert ask(without_opencv, video(tmp_path, "mp4", "mp4v"), content_type="video/mp4").json() == FRAMES


@pytest.mark.parametrize(
    ("opencv", "words"),
    [
        (
            BROKEN_OPENCV,
            "video input needs OpenCV (opencv-python-headless) or PyAV (av) in the handler's environment",
        ),
        (LIMITED_OPENCV, "video input by an OpenCV without FFmpeg needs PyAV (av) in the handler's environment"),
    ],
    ids=["none", "limited"],
)
def test_without_a_library_a_video_is_500_and_the_log_says_what_to_install(
    ask: Ask, tmp_path: Path, without_opencv: Path, caplog: pytest.LogCaptureFixture, *, opencv: str, words: str
) -> None:
    (without_opencv / "cv2.py").write_text(opencv)
    (without_opencv / "av.py").write_text(BROKEN_PYAV)

    assert ask(without_opencv, video(tmp_path, "avi", "MJPG"), content_type="video/avi").status == 500
    assert words in caplog.text
    assert "libavcodec.so.60" in caplog.text
