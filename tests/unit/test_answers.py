"""What HTTP can carry of a handler's answer."""

from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from abeja.runtime.answers import handler_response
from abeja.runtime.engine import AnswerHead
from abeja.runtime.errors import AnswerInvalidError
from abeja.runtime.messages import Response

OWN = (("X-Own", "1"),)
ALL_OWN = (*OWN, ("X-Request-Id", "2"))
CHARACTERS = [chr(code) for code in (*range(0x300), 0x732B, 0xD800, 0xDFFF, 0x1F431)]


def answer(**fields: Any) -> Response:
    head = AnswerHead(**{"status": 200, "content_type": "text/plain", "headers": [], **fields})
    return handler_response(head, b"", own_headers=OWN, request_id="2")


@pytest.mark.parametrize("status", [200, 204, 304, 418, 599])
def test_final_statuses_can_be_sent(status: int) -> None:
    assert answer(status=status).status == status


@pytest.mark.parametrize("status", [0, -1, 99, 100, 101, 199, 600, 999, True, 200.0, "200", None])
def test_other_statuses_cannot(status: object) -> None:
    with pytest.raises(AnswerInvalidError) as caught:
        answer(status=status)
    assert "status_code" in caught.value.detail


@pytest.mark.parametrize("form", ["{}", "a{}", "{}b", "a{}b"])
def test_whatever_is_accepted_can_be_written(form: str) -> None:
    accepted = 0
    for character in CHARACTERS:
        text = form.format(character)
        for fields in ({"content_type": text}, {"headers": [("x-a", text)]}, {"headers": [(text, "x")]}):
            try:
                response = answer(**fields)
            except AnswerInvalidError:
                continue
            headers = HTTPHeaders()
            for name, value in response.headers:
                headers.add(name, value.encode("utf-8").decode("latin-1"))
            accepted += 1
    assert accepted > len(CHARACTERS)


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x7f", "\x1f", "\ud800"])
def test_controls_and_surrogates_are_refused(character: str) -> None:
    for fields in ({"content_type": f"a{character}b"}, {"headers": [("x", f"a{character}b")]}):
        with pytest.raises(AnswerInvalidError):
            answer(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"content_type": 5},
        {"headers": [("x", 5)]},
        {"headers": [(5, "x")]},
        {"headers": {"x": "y"}},
        {"headers": None},
        {"headers": [("x",)]},
    ],
)
def test_what_is_not_text_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(AnswerInvalidError):
        answer(**fields)


def test_white_space_around_values_is_dropped() -> None:
    response = answer(content_type=" text/plain ", headers=[("x-a", "\t "), ("x-b", " a b ")])

    assert response.headers == (("Content-Type", "text/plain"), ("x-a", ""), ("x-b", "a b"), *ALL_OWN)


@pytest.mark.parametrize(
    "name",
    [
        "Content-Length",
        "content-type",
        "TRANSFER-ENCODING",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "Proxy-X",
        "x-request-ID",
        "x-own",
    ],
)
def test_the_servers_own_headers_are_not_the_handlers(name: str) -> None:
    assert answer(headers=[(name, "5")]).headers == (("Content-Type", "text/plain"), *ALL_OWN)
