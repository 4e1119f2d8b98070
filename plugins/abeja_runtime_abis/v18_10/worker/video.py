"""Video inputs, decoded by the model's OpenCV one frame at a time."""

from typing import Any, BinaryIO, Dict, Generator

from . import library
from .exceptions import InvalidInput

# FFmpeg also reads playlists that name other files: only what is a container gets to it.
_AVI, _MATROSKA = b"RIFF", b"\x1a\x45\xdf\xa3"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEAD_BYTES = 12

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
    # Up to OpenCV 4.4, the position is that of the frame to come; since then, of the frame in hand.
    position = capture.get(opencv.CAP_PROP_POS_MSEC)
    is_of_next = position > 0
    here, following = (0.0, position) if is_of_next else (position, 0.0)
    number = 0
    try:
        while True:
            image = opencv.cvtColor(pixels, opencv.COLOR_BGR2RGB)
            yield {"image": image, "pos_frames": number, "pos_msec": round(here)}
            is_read, pixels = capture.read()
            if not is_read:
                return
            number += 1
            position = capture.get(opencv.CAP_PROP_POS_MSEC)
            here, following = (following, position) if is_of_next else (position, 0.0)
    finally:
        capture.release()
