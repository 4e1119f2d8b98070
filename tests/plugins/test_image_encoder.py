"""Images as content, by Pillow or by OpenCV."""

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from abeja_runtime_encoders.image import worker

RED, BLUE = (250, 10, 20), (10, 20, 250)


def pixels(channels: int = 3) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Four columns and two rows: red on the left, blue on the right."""
    rgb = np.array([[RED, RED, BLUE, BLUE]] * 2, np.uint8)
    return np.concatenate((rgb, np.full((2, 4, 1), 255, np.uint8)), axis=2)[:, :, :channels]


@pytest.fixture
def without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose Python has OpenCV alone."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image")


def encode(value: object, media_type: str) -> bytes:
    encoder = worker.Encoder(media_type)
    assert encoder.claims(value)
    return b"".join(encoder.encode(value, is_first=True))


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("media_type", "format_"),
    [
        ("image/jpeg", "JPEG"),
        ("image/jpg", "JPEG"),
        ("image/png", "PNG"),
        ("image/gif", "GIF"),
        ("image/webp", "WEBP"),
        ("image/bmp", "BMP"),
        ("image/tiff", "TIFF"),
    ],
)
def test_arrays_and_pillow_images_become_the_answers_type(media_type: str, format_: str) -> None:
    for value in (pixels(), Image.fromarray(pixels())):
        image = decoded(encode(value, media_type))
        assert (image.format, image.size) == (format_, (4, 2))
        left, right = (image.convert("RGB").getpixel((x, 1)) for x in (0, 3))
        assert isinstance(left, tuple)
        assert isinstance(right, tuple)
        assert left[0] - left[2] > 100
        assert right[2] - right[0] > 100


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "image/tiff", "image/bmp"])
@pytest.mark.usefixtures("without_pillow")
def test_opencv_writes_the_same_colours(media_type: str) -> None:
    data = encode(pixels(), media_type)

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert np.abs(image[1, 0].astype(int) - RED[::-1]).max() < 20


@pytest.mark.parametrize(("channels", "shape"), [(1, (2, 4)), (4, (2, 4, 4))])
@pytest.mark.usefixtures("without_pillow")
def test_opencv_writes_grey_and_transparent_images(channels: int, shape: tuple[int, ...]) -> None:
    data = encode(pixels(channels), "image/png")

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape == shape


@pytest.mark.usefixtures("without_pillow")
def test_a_type_that_opencv_does_not_write_is_an_error() -> None:
    with pytest.raises(ValueError, match="with Pillow installed"):
        encode(pixels(), "image/gif")


def test_a_type_that_pillow_does_not_write_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not write image/x-unheard-of"):
        encode(pixels(), "image/x-unheard-of")


def test_what_opencv_has_encoded_is_sent_as_it_is() -> None:
    is_encoded, data = cv2.imencode(".png", pixels())

    assert is_encoded
    for value in (data.reshape(-1), data.reshape(-1, 1)):
        assert encode(value, "image/png") == data.tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1"])
def test_what_jpeg_cannot_hold_is_converted(mode: str) -> None:
    assert decoded(encode(Image.fromarray(pixels()).convert(mode), "image/jpeg")).format == "JPEG"


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1), (2, 4, 3), (2, 4, 4)])
def test_the_documented_shapes_are_images(shape: tuple[int, ...]) -> None:
    assert decoded(encode(np.zeros(shape, np.uint8), "image/png")).size == (4, 2)


def test_a_mask_is_black_and_white() -> None:
    assert decoded(encode(np.array([[True, False]]), "image/png")).getpixel((0, 0)) == 255


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((1, 2, 2, 3), np.uint8)])
def test_other_arrays_are_an_error_that_says_what_is_expected(array: object) -> None:
    with pytest.raises(TypeError, match="an image array is uint8 of shape"):
        encode(array, "image/png")


@pytest.mark.parametrize("value", [{"a": 1}, b"x", "x", np.zeros(3), None])
def test_other_values_are_not_the_image_encoders(value: object) -> None:
    assert not worker.Encoder("image/png").claims(value)
    assert not worker.Encoder("image/png").accepts(value)


def test_images_of_other_types_are_not_the_image_encoders() -> None:
    assert not worker.Encoder("application/json").claims(pixels())
    assert not worker.Encoder("text/plain").accepts(Image.fromarray(pixels()))
