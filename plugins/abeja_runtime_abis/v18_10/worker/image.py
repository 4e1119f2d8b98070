"""Image inputs, decoded by the model's Pillow, or else by its OpenCV."""

from typing import Any, BinaryIO

from . import library
from .exceptions import InvalidInput

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_PNG_END = b"IEND"

# Grey of 16 bits, as the versions of Pillow call it.
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def decoded(body: BinaryIO) -> Any:
    """The image as an array (H, W, 3) of uint8 in RGB, its pixels as they are stored.

    Grey becomes three equal channels, transparency is dropped, of 16 bits the upper 8 are kept,
    and what EXIF says about orientation is left to the handler.

    Raises:
        InvalidInput: it is no JPEG or PNG, or a broken one.
        ImportError: the model has no library for images.
    """
    start = body.read(len(_PNG))
    body.seek(0)
    if not start:
        raise InvalidInput("the body is empty; expected an image")
    if not start.startswith((_JPEG, _PNG)):
        raise InvalidInput("the body is neither JPEG nor PNG")
    _, numpy = library.imported("image input", "numpy")
    name, module = library.imported("image input", "PIL.Image", "cv2")
    decode = _by_opencv if name == "cv2" else _by_pillow
    return decode(body, module, numpy)


def _by_pillow(body: BinaryIO, pillow: Any, numpy: Any) -> Any:
    try:
        image = pillow.open(body)
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # a broken image ends in any of a dozen exceptions
        raise InvalidInput("the image cannot be decoded: %s" % _reason(error)) from error
    if image.mode in _DEEP_MODES:
        image = pillow.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    # Pillow would look for the transparent colour in the new mode, and warn if it is not there.
    image.info.pop("transparency", None)
    return numpy.array(image.convert("RGB"))


def _by_opencv(body: BinaryIO, opencv: Any, numpy: Any) -> Any:
    data = body.read()
    if not _is_complete(data):
        raise InvalidInput("the image cannot be decoded: it is cut off")
    flags = opencv.IMREAD_COLOR | opencv.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = opencv.imdecode(numpy.frombuffer(data, dtype=numpy.uint8), flags)
    except opencv.error as error:
        raise InvalidInput("the image cannot be decoded: %s" % _reason(error)) from error
    if pixels is None:
        raise InvalidInput("the image cannot be decoded")
    return opencv.cvtColor(pixels, opencv.COLOR_BGR2RGB)


def _is_complete(data: bytes) -> bool:
    """Whether the end of the image is there: OpenCV fills what is missing with grey and says nothing."""
    if data.startswith(_PNG):
        return _PNG_END in data
    # A thumbnail that comes before the image has an end of its own.
    return data.rfind(_JPEG_END) > data.rfind(_JPEG_SCAN)


def _reason(error: Exception) -> str:
    # Pillow ends with the file object, whose path is nobody's business.
    text = str(error).partition("<")[0]
    return " ".join(text.split()) or type(error).__name__
