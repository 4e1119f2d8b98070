"""Video inputs, decoded by the model's OpenCV, or else by its PyAV, one frame at a time."""

import collections.abc
import itertools
from typing import Any, BinaryIO, Dict, Generator, Optional, Tuple

from . import library, opencv, pyav
from .exceptions import InvalidInput

# FFmpeg also reads playlists that name other files: only what is a container gets to it.
_AVI, _MATROSKA = b"RIFF", b"\x1a\x45\xdf\xa3"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEAD_BYTES = 12

# Pixels (H, W, 3) of uint8 in RGB, and the position in ms.
Picture = Tuple[Any, int]


class Frames(collections.abc.Iterator):  # type: ignore[type-arg] # not subscriptable at run time on 3.6
    """A dict for each frame: `image` (H, W, 3) uint8 RGB, `pos_frames` from 0, `pos_msec` in ms.

    Only the frame in hand is in memory.

    Args:
        first: the first of the pictures.
        others: the generator that gave it; closing it closes the decoder.
    """

    def __init__(self, first: Picture, others: Generator[Picture, None, None]) -> None:
        self._numbered = enumerate(itertools.chain((first,), others))
        self._others = others

    def __next__(self) -> Dict[str, Any]:
        number, (image, position_ms) = next(self._numbered)
        return {"image": image, "pos_frames": number, "pos_msec": position_ms}

    def close(self) -> None:
        """Close the decoder, however many frames have been asked for."""
        self._others.close()


def frames(body: BinaryIO) -> Frames:
    """The frames of a video, the first of which has been decoded.

    Args:
        body: a file on disk, or one that becomes so when it is asked for its name.

    Raises:
        InvalidInput: it is no video, or has no frame that can be decoded.
        ImportError: the model has no library that decodes it.
    """
    head = body.read(_HEAD_BYTES)
    body.seek(0)
    if not _is_container(head):
        raise InvalidInput("the body is no AVI, Matroska, QuickTime or MP4 video")
    name, module = library.imported("video input", "cv2", "av")
    found = _begun((opencv if name == "cv2" else pyav).pictures(module, body.name))
    if found is None and name == "cv2" and opencv.is_limited(module):
        _, module = library.imported("video input by an OpenCV without FFmpeg", "av")
        found = _begun(pyav.pictures(module, body.name))
    if found is None:
        raise InvalidInput("the video cannot be decoded")
    return found


def _is_container(head: bytes) -> bool:
    if head.startswith(_AVI):
        return head[8:12] == b"AVI "
    return head.startswith(_MATROSKA) or head[4:8] in _BOXES


def _begun(pictures: Generator[Picture, None, None]) -> Optional[Frames]:
    first = next(pictures, None)
    return None if first is None else Frames(first, pictures)
