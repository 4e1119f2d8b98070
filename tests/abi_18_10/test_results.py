"""What 18.10 handlers yield."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.abi_18_10.conftest import Ask
from tests.end_to_end.conftest import Reply


def results(ask: Ask, name: str) -> Reply:
    return ask("results", json.dumps(name).encode())


def responses(ask: Ask, *pairs: object) -> Reply:
    return ask("results", json.dumps(pairs).encode(), handler="main:response")


def test_several_results_are_lines_of_json(ask: Ask) -> None:
    reply = results(ask, "several")

    assert reply.body == b'{"a": 1}\n[1, 2]\n"text"\n3\nnull\ntrue'
    assert reply.headers["content-type"] == "application/json"


def test_list_of_pairs_is_an_array(ask: Ask) -> None:
    assert results(ask, "pairs").body == b"[[1, 2], [3, 4]]"


def test_bytes_are_sent_as_they_are(ask: Ask) -> None:
    assert results(ask, "bytes").body == b"\x00\xffend"


def test_no_result_is_an_empty_answer(ask: Ask) -> None:
    reply = results(ask, "nothing")

    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"", "application/json")


def test_text_is_a_string_of_json(ask: Ask) -> None:
    reply = ask("words", '{"text": "a  b é"}'.encode())

    assert (reply.headers["content-type"], reply.json()) == ("application/json", "a b é")


def test_numbers_and_arrays_of_numpy_are_json(ask: Ask) -> None:
    reply = ask("scores", b"[0.5, 0.25]")

    assert reply.body == (
        b'{"result": [{"label": 0, "score": 0.5}, {"label": 1, "score": 0.25}], "names": ["a", "b"], "best": 0.5}'
    )


@pytest.mark.parametrize("name", ["invalid", "lazy-invalid"])
def test_input_refused_before_the_first_byte_is_400(ask: Ask, name: str) -> None:
    reply = results(ask, name)

    assert (reply.status, reply.json()["status"]) == (400, "too late")


def test_input_refused_after_the_first_byte_is_no_answer(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    assert results(ask, "late").status == 500
    assert "InvalidInput: too late" in caplog.text


def test_metadata_of_a_response_are_headers(ask: Ask) -> None:
    reply = responses(ask, [["a", "b"], [["content-type", "text/plain; charset=utf-8"], ["X-Kind", "é"], ["X-N", 5]]])

    assert (reply.headers["content-type"], reply.body) == ("text/plain; charset=utf-8", b"a\nb")
    assert (reply.headers["x-kind"], reply.headers["x-n"]) == ("é", "5")


def test_response_without_content_type_is_json(ask: Ask) -> None:
    reply = responses(ask, [["a", {"b": 1}], []])

    assert (reply.headers["content-type"], reply.body) == ("application/json", b'"a"\n{"b": 1}')


def test_first_response_decides_the_headers(ask: Ask) -> None:
    reply = responses(
        ask, [["a"], [["Content-Type", "text/plain"]]], [["b"], [["Content-Type", "text/html"], ["X-Late", "1"]]]
    )

    assert (reply.headers["content-type"], reply.body) == ("text/plain", b"a\nb")
    assert "x-late" not in reply.headers


@pytest.mark.parametrize(
    ("contents", "content_type", "body"),
    [
        ("text", "text/plain", b"text"),
        ({"a": 1}, "application/json", b'{"a": 1}'),
        (5, "application/json", b"5"),
        ([], "text/plain", b""),
        (['{"a": 1}', {"b": 2}], "application/json", b'{"a": 1}\n{"b": 2}'),
        ([[1, 2], [3, 4]], "text/csv", b"1,2\r\n3,4\r\n"),
        ([{"a": 1, "b": 2}, {"a": 3, "b": 4}], "text/csv", b"a,b\r\n1,2\r\n3,4\r\n"),
    ],
)
def test_contents_of_a_response(ask: Ask, contents: object, content_type: str, body: bytes) -> None:
    reply = responses(ask, [contents, [["Content-Type", content_type]]])

    assert (reply.status, reply.headers["content-type"], reply.body) == (200, content_type, body)


def test_response_with_an_empty_content_type_is_500(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    assert responses(ask, [["a"], [["Content-Type", " "]]]).status == 500
    assert "metadata: the Content-Type is empty" in caplog.text


@pytest.mark.parametrize("metadata", [["Content-Type"], 5, [["a", "b", "c"]], [["Content-Type", None]]])
def test_metadata_of_another_shape_is_500_where_the_response_is_made(
    ask: Ask, tmp_path: Path, caplog: pytest.LogCaptureFixture, metadata: object
) -> None:
    source = f"def handler(input_iter, context):\n    yield Response([], metadata={metadata!r})\n"
    (tmp_path / "main.py").write_text(source)

    assert ask(tmp_path, b"1").status == 500
    assert "metadata: expected a list of pairs" in caplog.text
    assert "line 2, in handler" in caplog.text


@pytest.mark.parametrize("value", ["image[::-1]", "Image.fromarray(image[::-1])", "cv2.imencode('.png', image)[1]"])
@pytest.mark.parametrize("contents", ["[%s]", "%s"])
def test_images_of_a_response_are_encoded(ask: Ask, tmp_path: Path, value: str, contents: str) -> None:
    source = (
        "import cv2\nfrom PIL import Image\n\n"
        "def handler(input_iter, context):\n"
        "    for image in input_iter:\n"
        f"        yield Response({contents % value}, metadata=[('Content-Type', 'image/png')])\n"
    )
    (tmp_path / "main.py").write_text(source)
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[0] = 200

    reply = ask(tmp_path, cv2.imencode(".png", picture)[1].tobytes(), content_type="image/png")

    assert reply.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(reply.body)) as image:
        assert (image.format, image.size) == ("PNG", (6, 4))
        row = 0 if "imencode" in value else 3
        assert image.getpixel((0, row)) == (200, 200, 200)
