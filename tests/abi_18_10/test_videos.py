"""Video inputs."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.abi_18_10.conftest import Ask

FRAMES, RATE = 7, 20
WIDTH, HEIGHT = 64, 48


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
    ("content_type", "extension", "codec"),
    [
        ("video/avi", "avi", "MJPG"),
        ("video/x-msvideo", "avi", "mp4v"),
        ("video/vnd.avi", "avi", "MJPG"),
        ("video/x-matroska", "mkv", "mp4v"),
        ("video/quicktime", "mov", "mp4v"),
        ("video/mp4; codecs=mp4v", "mp4", "mp4v"),
    ],
)
def test_video_is_a_dict_for_each_frame(
    ask: Ask, tmp_path: Path, content_type: str, extension: str, codec: str
) -> None:
    reply = ask("frames", video(tmp_path, extension, codec), content_type=content_type)

    assert reply.status == 200
    numbers, positions, colours, shapes = zip(*reply.json()["frames"], strict=True)
    assert numbers == tuple(range(FRAMES))
    assert positions == tuple(1000 // RATE * number for number in range(FRAMES))
    assert set(map(tuple, shapes)) == {(HEIGHT, WIDTH, 3)}
    expected = [(30 * number, 0, 0) for number in range(FRAMES)]
    assert np.abs(np.array(colours) - np.array(expected)).max() < 10


def test_frame_has_the_documented_keys_and_types(ask: Ask, tmp_path: Path) -> None:
    reply = ask("frames", video(tmp_path, "avi", "MJPG"), content_type="video/avi", handler="main:first")

    assert reply.json() == ["image", "pos_frames", "pos_msec"]


def test_video_that_is_a_file_is_read_from_there(ask: Ask, tmp_path: Path) -> None:
    # The bytes behind an AVI are no part of it.
    body = video(tmp_path, "avi", "MJPG") + b"\0" * 200_000

    assert ask("frames", body, content_type="video/avi").json()["count"] == FRAMES


def test_each_frame_may_be_a_result(ask: Ask, tmp_path: Path) -> None:
    reply = ask("frames", video(tmp_path, "mp4", "mp4v"), content_type="video/mp4", handler="main:each")

    assert reply.body.count(b"\n") == FRAMES - 1


def test_frames_are_not_kept(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (320, 240))
    for _ in range(600):
        writer.write(np.zeros((240, 320, 3), np.uint8))
    writer.release()

    seen = ask("frames", path.read_bytes(), content_type="video/avi", handler="main:memory").json()

    assert (seen["count"], seen["last"]) == (600, 599 * 1000 // RATE)
    # Together they are 135 MiB.
    assert seen["late"] - seen["early"] < 20 * 1024


def test_video_that_is_cut_off_ends_there(ask: Ask, tmp_path: Path) -> None:
    body = video(tmp_path, "mkv", "MJPG")

    reply = ask("frames", body[: len(body) // 2], content_type="video/x-matroska")

    assert 0 < reply.json()["count"] < FRAMES


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n"
PICTURE = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize("body", [b"", b"no video", PICTURE, PLAYLIST, b"ffconcat version 1.0\nfile /etc/hostname\n"])
def test_what_is_no_video_is_400(ask: Ask, body: bytes) -> None:
    reply = ask("frames", body, content_type="video/mp4")

    assert reply.status == 400
    assert reply.json()["status"] == "the body is no AVI, Matroska, QuickTime or MP4 video"


@pytest.mark.parametrize(
    "body",
    [b"RIFF\0\0\0\0AVI " + b"\0" * 100, b"\x1a\x45\xdf\xa3" + b"\0" * 100, b"\0\0\0\x14ftypisom" + b"\0" * 100],
    ids=["avi", "mkv", "mp4"],
)
def test_broken_video_is_400(ask: Ask, body: bytes) -> None:
    reply = ask("frames", body, content_type="video/mp4")

    assert (reply.status, reply.json()["status"]) == (400, "the video cannot be decoded")


def test_mp4_without_its_index_is_400(ask: Ask, tmp_path: Path) -> None:
    body = video(tmp_path, "mp4", "mp4v")

    assert ask("frames", body[: len(body) // 2], content_type="video/mp4").status == 400


def test_without_opencv_a_video_is_500_and_the_log_says_what_to_install(
    ask: Ask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('there is no cv2')\n")
    (tmp_path / "main.py").write_text("def handler(input_iter, context):\n    yield len(list(input_iter))\n")
    body = video(tmp_path, "avi", "MJPG")

    assert ask(tmp_path, body, content_type="video/avi").status == 500
    assert "video input needs OpenCV (opencv-python-headless) in the handler's environment" in caplog.text
