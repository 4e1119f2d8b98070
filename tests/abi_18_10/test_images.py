"""Image inputs."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.abi_18_10.conftest import Ask

RED, BLUE = (250, 10, 20), (10, 20, 250)
PIXELS = np.array([[RED, RED, BLUE]] * 2, np.uint8)
ECHO = (
    "def handler(input_iter, context):\n"
    "    for image in input_iter:\n"
    "        assert type(image).__name__ == 'ndarray' and image.flags.writeable\n"
    "        yield {'type': image.dtype.name, 'pixels': image.tolist()}\n"
)
NO_PILLOW = {"PIL.py": "raise ImportError('there is no PIL')\n"}
NO_OPENCV = {"cv2.py": "raise ImportError('there is no cv2')\n"}
NO_NUMPY = {"numpy.py": "raise ImportError('there is no numpy')\n"}


def folder_with(folder: Path, files: dict[str, str]) -> Path:
    """A handler that returns the pixels, in a folder where other modules stand before the libraries."""
    for name, source in {"main.py": ECHO, **files}.items():
        (folder / name).write_text(source)
    return folder


def encoded(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


@pytest.fixture(params=["Pillow", "OpenCV"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The handler, with either library."""
    return folder_with(tmp_path, NO_OPENCV if request.param == "Pillow" else NO_PILLOW)


def in_mode(mode: str) -> Image.Image:
    return Image.fromarray(PIXELS).convert(mode)


def deep() -> Image.Image:
    return Image.fromarray(np.array([[0, 0x80FF, 0xFFFF]], np.uint16))


def transparent_palette() -> Image.Image:
    image = in_mode("P")
    image.info["transparency"] = bytes([0, 128])
    return image


@pytest.mark.parametrize(
    ("image", "pixels"),
    [
        (in_mode("RGB"), PIXELS),
        (in_mode("RGBA"), PIXELS),
        (in_mode("L"), np.repeat(np.asarray(in_mode("L"))[..., np.newaxis], 3, axis=2)),
        (in_mode("LA"), np.repeat(np.asarray(in_mode("L"))[..., np.newaxis], 3, axis=2)),
        (in_mode("1"), np.asarray(in_mode("1").convert("RGB"))),
        (in_mode("P"), np.asarray(in_mode("P").convert("RGB"))),
        (transparent_palette(), np.asarray(in_mode("P").convert("RGB"))),
        (deep(), np.repeat(np.array([[0, 0x80, 0xFF]])[..., np.newaxis], 3, axis=2)),
    ],
    ids=["RGB", "RGBA", "grey", "grey with alpha", "bits", "palette", "palette with alpha", "16 bits"],
)
def test_png_is_rgb_of_eight_bits(
    ask: Ask, model: Path, image: Image.Image, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
) -> None:
    reply = ask(model, encoded(image), content_type="image/png")

    assert reply.status == 200
    assert reply.json() == {"type": "uint8", "pixels": pixels.tolist()}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("content_type", ["image/jpeg", "image/jpg; q=1"])
def test_jpeg_is_rgb_of_eight_bits(ask: Ask, model: Path, mode: str, content_type: str) -> None:
    large = Image.fromarray(PIXELS).resize((48, 32), Image.Resampling.NEAREST).convert(mode)

    reply = ask(model, encoded(large, "JPEG", quality=95), content_type=content_type)

    pixels = np.array(reply.json()["pixels"], np.int16)
    assert pixels.shape == (32, 48, 3)
    # JPEG loses a little, and CMYK has no one way back.
    assert np.abs(pixels - np.asarray(large.convert("RGB"))).mean() < 6


def test_orientation_of_exif_is_left_to_the_handler(ask: Ask, model: Path) -> None:
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees

    reply = ask(model, encoded(image, "JPEG", exif=exif), content_type="image/jpeg")

    assert np.array(reply.json()["pixels"]).shape == (2, 4, 3)


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty; expected an image"),
        (b"no image at all", "the body is neither JPEG nor PNG"),
        (encoded(noise(), "GIF"), "the body is neither JPEG nor PNG"),
        (encoded(noise())[:6000], "the image cannot be decoded"),
        (encoded(noise())[:20], "the image cannot be decoded"),
        (encoded(noise(), "JPEG")[:2000], "the image cannot be decoded"),
        (b"\xff\xd8\xff" + b"\x00" * 100 + b"\xff\xda\xff\xd9", "the image cannot be decoded"),
    ],
    ids=["nothing", "text", "GIF", "cut PNG", "cut head", "cut JPEG", "no JPEG"],
)
def test_broken_image_is_400(ask: Ask, model: Path, body: bytes, reason: str) -> None:
    reply = ask(model, body, content_type="image/png")

    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    assert reply.json()["status"].startswith(reason)
    # Nothing of the server's own files is the client's business.
    assert "/" not in reply.json()["status"]


def test_image_that_would_fill_the_memory_is_400(ask: Ask, tmp_path: Path) -> None:
    bomb = encoded(Image.new("1", (30_000, 30_000)))

    reply = ask(folder_with(tmp_path, {}), bomb, content_type="image/png")

    assert reply.status == 400
    assert "exceeds limit" in reply.json()["status"]


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (NO_NUMPY, "image input needs numpy in the handler's environment"),
        ({**NO_PILLOW, **NO_OPENCV}, "image input needs Pillow or OpenCV (opencv-python-headless) in the handler's"),
    ],
    ids=["numpy", "Pillow and OpenCV"],
)
def test_library_that_is_missing_is_500_and_the_log_names_it(
    ask: Ask, tmp_path: Path, caplog: pytest.LogCaptureFixture, missing: dict[str, str], named: str
) -> None:
    reply = ask(folder_with(tmp_path, missing), encoded(noise()), content_type="image/png")

    assert reply.status == 500
    assert named in caplog.text
    assert "`--env auto`" in caplog.text


def test_classifier_makes_a_picture_of_its_input(ask: Ask) -> None:
    reply = ask("classifier", encoded(Image.new("RGB", (5, 3), (255, 0, 51))), content_type="image/png")

    assert reply.json() == {"shape": [3, 5, 3], "red": 1.0, "green": 0.0, "blue": pytest.approx(0.2)}


def test_list_of_boxes_is_one_array(ask: Ask) -> None:
    reply = ask("boxes", encoded(Image.new("RGB", (8, 4))), content_type="image/png")

    assert reply.json() == [
        {"box": [0, 0, 4.0, 4], "label": "left", "score": 0.75},
        {"box": [4.0, 0, 8, 4], "label": "right", "score": 0.25},
    ]


def test_picture_comes_back_as_a_picture(ask: Ask) -> None:
    image = Image.new("RGB", (16, 16))
    image.paste((255, 255, 255), (0, 0, 16, 8))

    reply = ask("picture", encoded(image), content_type="image/png")

    assert (reply.status, reply.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(reply.body), formats=["JPEG"]) as turned:
        assert turned.convert("L").getpixel((8, 2)) == 0
        assert turned.convert("L").getpixel((8, 14)) == 255
