"""The documented handlers of each ABI, as requests and what their answers must be."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from compat.http_request import HttpRequest

_FOLDER = Path(__file__).parents[2] / "examples"
_JSON = (("content-type", "application/json"),)
# Run by the handler's own Python, which has the libraries: is the second picture the mirror image of the first?
_IS_MIRRORED = """
import sys
import numpy
from PIL import Image, ImageOps
before, after = (Image.open(path).convert("RGB") for path in sys.argv[1:])
def distance(one):
    return numpy.abs(numpy.asarray(one).astype(int) - numpy.asarray(after).astype(int)).mean()
assert Image.open(sys.argv[2]).format == "JPEG"
assert before.size == after.size
assert distance(ImageOps.mirror(before)) < 4 < 10 < distance(before)
"""

# Pythons for which a release of Pillow of that time has wheels.
_PYTHONS_OF_PILLOW_6 = ("3.6", "3.7")

# Folder of the example, answer's body, the handler's interpreter.
Check = Callable[[Path, bytes, Path], None]


@frozen(kw_only=True)
class Example:
    """A handler in examples/ and one request.

    Attributes:
        name: of its folder.
        request: what is sent.
        status: of the answer.
        content_type: of the answer, without parameters.
        check: asserts on the answer's body.
        pins_pillow: whether its requirements.txt asks for Pillow 6.
    """

    name: str
    request: HttpRequest = field(repr=False)
    status: int = 200
    content_type: str = "application/json"
    check: Check = field(repr=False)
    pins_pillow: bool = False

    def copy_to(self, folder: Path, *, worker: str) -> Path:
        """A copy of the example; on Pythons that Pillow 6 has no wheels for, with any Pillow."""
        copy = shutil.copytree(_FOLDER / self.name, folder / self.name)
        if self.pins_pillow and worker not in _PYTHONS_OF_PILLOW_6:
            (copy / "requirements.txt").write_text("Pillow\n", encoding="utf-8")
        return copy


def _post(name: str, file: str, headers: tuple[tuple[str, str], ...] = _JSON) -> HttpRequest:
    return HttpRequest(method="POST", target="/", headers=headers, body=(_FOLDER / name / file).read_bytes())


def _answers(expected: Any) -> Check:
    def check(_: Path, body: bytes, __: Path) -> None:
        assert json.loads(body) == expected

    return check


def _is_mirrored(folder: Path, body: bytes, python: Path) -> None:
    answer = folder / "answer.jpg"
    answer.write_bytes(body)
    subprocess.run([python, "-c", _IS_MIRRORED, folder / "cat.jpg", answer], check=True)


def _form() -> HttpRequest:
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="note"; filename="note.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n--XX--\r\n"
    )
    headers = (("content-type", "multipart/form-data; boundary=XX"),)
    return HttpRequest(method="POST", target="/", headers=headers, body=body)


_PART = {"form_name": "note", "file_name": "note.txt", "content_type": "text/plain", "size": 5}

# JPEG decoders differ by a little.
_COLOUR = (0x99, 0xAF, 0xAB)


def _has_the_mean_colour(_: Path, body: bytes, __: Path) -> None:
    answer = json.loads(body)
    assert (answer["width"], answer["height"]) == (160, 120)
    found = bytes.fromhex(answer["colour"].removeprefix("#"))
    assert max(abs(one - other) for one, other in zip(found, _COLOUR, strict=True)) <= 2


def _refuses(reason: str) -> Check:
    def check(_: Path, body: bytes, __: Path) -> None:
        assert json.loads(body)["status"] == reason

    return check


BY_ABI: Mapping[str, tuple[Example, ...]] = {
    "19.04": (
        Example(name="tax", request=_post("tax", "request.json"), check=_answers({"total": 108.0})),
        Example(
            name="training_result", request=_post("training_result", "request.json"), check=_answers({"estimate": 22.5})
        ),
        Example(name="multipart", request=_form(), check=_answers({"parts": [_PART]})),
        Example(
            name="invalid_input",
            request=_post("invalid_input", "request.json"),
            status=400,
            check=_answers({"message": "width and height must be numbers"}),
        ),
        Example(
            name="flip",
            request=_post("flip", "cat.jpg", (("content-type", "image/jpeg"),)),
            content_type="image/jpeg",
            check=_is_mirrored,
            pins_pillow=True,
        ),
    ),
    "18.10": (
        Example(
            name="mean_colour",
            request=_post("flip", "cat.jpg", (("content-type", "image/jpeg"),)),
            check=_has_the_mean_colour,
        ),
        Example(
            name="mean_colour",
            request=_post("tax", "request.json"),
            status=400,
            check=_refuses("send a JPEG or PNG picture, no JSON"),
        ),
    ),
}
