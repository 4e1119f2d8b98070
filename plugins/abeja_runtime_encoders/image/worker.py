"""image/* in the worker: PIL images and numpy arrays, encoded by the model's own Pillow or OpenCV.

Nothing is imported unless the handler returned an image: its library is loaded by then.
"""

import io
import sys
from typing import Any, Iterable, Optional

# Pillow knows media types by itself; OpenCV knows file extensions.
_OPENCV_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/bmp": ".bmp",
    "image/webp": ".webp",
    "image/tiff": ".tiff",
}
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# What JPEG cannot hold: transparency and palettes.
_JPEG_MODES = ("L", "RGB", "CMYK")


class Encoder(object):
    """Encodes the image of an ``image/*`` answer.

    Args:
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, media_type: str) -> None:
        self._media_type = _ALIASES.get(media_type, media_type)
        self._is_image = media_type.startswith("image/")

    def claims(self, content: Any) -> bool:
        """A PIL image, an array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, or what cv2.imencode returned."""
        return self._is_image and (_is_pillow(content) or _is_encoded(content) or _is_pixels(content))

    def accepts(self, value: Any) -> bool:
        """A PIL image. An array among other elements is JSON, as it was in the original."""
        return self._is_image and _is_pillow(value)

    def encode(self, value: Any, *, is_first: bool) -> Iterable[bytes]:
        """The image in the answer's media type.

        Raises:
            TypeError: the array is not of uint8 (or bool) in one of the shapes above.
            ValueError: no image library of the model writes this media type.
        """
        if _is_pillow(value):
            return (_by_pillow(value, self._media_type),)
        if _is_encoded(value):
            return (value.tobytes(),)
        return (_encode_pixels(value, self._media_type),)


def _is_pillow(value: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _is_pixels(value: Any) -> bool:
    return _is_array(value) and value.ndim >= 2


def _is_encoded(value: Any) -> bool:
    """One column of bytes, (N,) or (N, 1): cv2.imencode returns the bytes of the file so."""
    return _is_array(value) and value.dtype.name == "uint8" and value.size > 1 and value.shape[1:] in ((), (1,))


def _is_array(value: Any) -> bool:
    module = sys.modules.get("numpy")
    return module is not None and isinstance(value, module.ndarray)


def _encode_pixels(array: Any, media_type: str) -> bytes:
    pixels = _checked(array)
    pillow = _pillow()
    if pillow is not None:
        return _by_pillow(pillow.fromarray(pixels), media_type)
    return _by_opencv(pixels, media_type)


def _checked(array: Any) -> Any:
    if array.dtype.name == "bool":
        array = array.astype("uint8") * 255
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype.name != "uint8" or array.ndim > 3 or channels not in (1, 3, 4):
        raise TypeError(
            "an image array is uint8 of shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; found %s of shape %s"
            % (array.dtype.name, tuple(array.shape))
        )
    return array[:, :, 0] if array.ndim == 3 and channels == 1 else array


def _pillow() -> Optional[Any]:
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


def _by_pillow(image: Any, media_type: str) -> bytes:
    module = sys.modules["PIL.Image"]
    module.init()
    names = [name for name, mime in module.MIME.items() if mime == media_type and name in module.SAVE]
    if not names:
        raise ValueError("the model's Pillow %s does not write %s" % (getattr(module, "__version__", ""), media_type))
    # Plug-ins share media types; a format's own name, as in image/jpeg, goes first.
    names.sort(key=lambda name: name.lower() != media_type.partition("/")[2])
    if names[0] == "JPEG" and image.mode not in _JPEG_MODES:
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format=names[0])
    return buffer.getvalue()


def _by_opencv(pixels: Any, media_type: str) -> bytes:
    extension = _OPENCV_EXTENSIONS.get(media_type)
    try:
        import cv2
    except ImportError:
        raise ValueError("sending an array as %s needs Pillow or OpenCV in the model's Python" % media_type) from None
    if extension is None:
        raise ValueError("OpenCV does not write %s; with Pillow installed, more types can be sent" % media_type)
    if pixels.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
        pixels = cv2.cvtColor(pixels, order)
    is_encoded, data = cv2.imencode(extension, pixels)
    if not is_encoded:
        raise ValueError("OpenCV could not write the image as %s" % media_type)
    return bytes(data.tobytes())
