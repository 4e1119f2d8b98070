"""Videos, as OpenCV decodes them."""

import re
from typing import Any, Generator, Tuple

from .position import milliseconds

_NO_FFMPEG = re.compile(r"\bFFMPEG:\s+NO\b")
# What reads the same containers on other systems and boards.
_OTHERS = re.compile(r"\b(GStreamer|AVFoundation|Media Foundation):\s+YES\b")


def pictures(opencv: Any, path: str) -> Generator[Tuple[Any, int], None, None]:
    """Pixels and position in ms of each frame, up to where the video ends or breaks off.

    Args:
        opencv: the module `cv2`.
        path: the video's.
    """
    capture = opencv.VideoCapture(path)
    try:
        if hasattr(opencv, "CAP_PROP_ORIENTATION_AUTO"):
            # Frames as they are stored, as OpenCV gave them then.
            capture.set(opencv.CAP_PROP_ORIENTATION_AUTO, 0)
        is_read, pixels = capture.read()
        previous, position = 0, _position(capture, opencv)
        is_of_next = position > 0 and position == milliseconds(1000 / (capture.get(opencv.CAP_PROP_FPS) or 1))
        while is_read:
            yield opencv.cvtColor(pixels, opencv.COLOR_BGR2RGB), previous if is_of_next else position
            is_read, pixels = capture.read()
            previous, position = position, _position(capture, opencv)
    finally:
        capture.release()


def is_limited(opencv: Any) -> bool:
    """Whether this OpenCV was built without anything that reads the supported videos."""
    built = opencv.getBuildInformation()
    return bool(_NO_FFMPEG.search(built)) and not _OTHERS.search(built)


def _position(capture: Any, opencv: Any) -> int:
    """What OpenCV calls the position: in older versions, such as 3.4, that of the frame to come."""
    return milliseconds(capture.get(opencv.CAP_PROP_POS_MSEC))
