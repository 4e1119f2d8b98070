"""Video inputs, decoded by the model's OpenCV one frame at a time."""

from typing import Any, BinaryIO, Dict, Generator

from . import library
from .exceptions import InvalidInput

# FFmpeg also reads playlists that name other files: only what is a container gets to it.
_AVI, _MATROSKA = b"RIFF", b"\x1a\x45\xdf\xa3"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEAD_BYTES = 12
# A thousand years.
_LONGEST_MS = 1000 * 365 * 24 * 3600 * 1000

Frame = Dict[str, Any]


def frames(body: BinaryIO) -> Generator[Frame, None, None]:
    """A dict for each frame: `image` (H, W, 3) uint8 RGB, `pos_frames` from 0, `pos_msec` in ms.

    Only the frame in hand is in memory.

    Args:
        body: a file on disk, or one that becomes so when it is asked for its name.

    Raises:
        InvalidInput: it is no video, or has no frame that can be decoded.
        ImportError: the model has no OpenCV.
    """
    head = body.read(_HEAD_BYTES)
    body.seek(0)
    if not _is_container(head):
        raise InvalidInput("the body is no AVI, Matroska, QuickTime or MP4 video")
    _, opencv = library.imported("video input", "cv2")
    capture = opencv.VideoCapture(body.name)
    if hasattr(opencv, "CAP_PROP_ORIENTATION_AUTO"):
        # Frames as they are stored, as OpenCV gave them then.
        capture.set(opencv.CAP_PROP_ORIENTATION_AUTO, 0)
    is_read, pixels = capture.read()
    if not is_read:
        capture.release()
        raise InvalidInput("the video cannot be decoded")
    return _frames(capture, pixels, opencv)


def _is_container(head: bytes) -> bool:
    if head.startswith(_AVI):
        return head[8:12] == b"AVI "
    return head.startswith(_MATROSKA) or head[4:8] in _BOXES


def _frames(capture: Any, pixels: Any, opencv: Any) -> Generator[Frame, None, None]:
    number, previous, position = 0, 0, _position(capture, opencv)
    is_of_next = position > 0 and position == _milliseconds(1000 / (capture.get(opencv.CAP_PROP_FPS) or 1))
    try:
        while True:
            image = opencv.cvtColor(pixels, opencv.COLOR_BGR2RGB)
            yield {"image": image, "pos_frames": number, "pos_msec": previous if is_of_next else position}
            is_read, pixels = capture.read()
            if not is_read:
                return
            number, previous, position = number + 1, position, _position(capture, opencv)
    finally:
        capture.release()


def _position(capture: Any, opencv: Any) -> int:
    """What OpenCV calls the position: in older versions, such as 3.4, that of the frame to come."""
    return _milliseconds(capture.get(opencv.CAP_PROP_POS_MSEC))


def _milliseconds(value: float) -> int:
    # Broken videos have positions that are infinite, or no number at all.
    return round(value) if 0 <= value < _LONGEST_MS else 0
