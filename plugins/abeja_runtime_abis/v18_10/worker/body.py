"""The body of a request, as the values that a handler iterates over."""

from typing import Any, Generator, Union

from . import image, json_text, video
from .media_type import IMAGES, JSON, MediaType

Values = Union[Generator[Any, None, None], video.Frames]


def values(message: Any) -> Values:
    """One value for JSON or an image, one for each frame of a video.

    A body that is broken from its beginning is found here, before the handler is called. Closing
    the generator closes the decoder of a video.

    Raises:
        UnsupportedMediaTypeError: the body is of no type that handlers can be given.
        InvalidInput: the body is not what its type says.
        ImportError: no library of the model decodes it.
    """
    media_type = MediaType(message.content_type)
    body = message.contents[0].body
    if media_type.name == JSON:
        return _single(json_text.parsed(body.read(), charset=media_type.charset))
    if media_type.name in IMAGES:
        return _single(image.decoded(body))
    return video.frames(body)


def _single(value: Any) -> Generator[Any, None, None]:
    yield value
