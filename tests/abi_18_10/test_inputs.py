"""JSON inputs, and inputs of no type that handlers can be given."""

import json

import pytest

from tests.abi_18_10.conftest import Ask


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("application/json", b"[]", []),
        ("application/json", b'"text"', "text"),
        ("application/json", b"3", 3),
        ("Application/JSON ; charset=UTF-8", '{"a": "é"}'.encode(), {"a": "é"}),
        ("application/json", '\ufeff"é"'.encode(), "é"),
        ("application/json", '"é"'.encode("utf-16"), "é"),
        ('application/json; charset="shift_jis"', '{"a": "日本"}'.encode("shift_jis"), {"a": "日本"}),
        ("application/vnd.abeja+json", b"{}", {}),
    ],
)
def test_json_is_parsed(ask: Ask, content_type: str, body: bytes, value: object) -> None:
    assert ask("shapes", body, content_type=content_type, handler="main:returns_list").json() == {"got": value}


def test_large_json_is_parsed(ask: Ask) -> None:
    values = list(range(50_000))

    reply = ask("shapes", json.dumps(values).encode(), handler="main:returns_list")

    assert reply.json() == {"got": values}


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("application/json", b"", "the body is empty; expected JSON"),
        ("application/json", b" \n", "the body is empty; expected JSON"),
        ("application/json", b'{"a": ', "the body is not JSON: Expecting value: line 1 column 7 (char 6)"),
        ("application/json", b"\xff\xfe\xfd", "the body is not JSON: "),
        ("application/json", b"[" * 100_000, "the body is not JSON: "),
        ("application/json; charset=no-such", b"{}", "the charset 'no-such' is not known"),
        ("application/json; charset=zip", b"{}", "the charset 'zip' is not known"),
        ("application/json; charset=ascii", b'"\xe9"', "the body is not JSON: "),
    ],
)
def test_broken_json_is_400_and_the_handler_is_not_called(
    ask: Ask, caplog: pytest.LogCaptureFixture, content_type: str, body: bytes, reason: str
) -> None:
    reply = ask("total", body, content_type=content_type)

    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    assert reply.json().keys() == {"status", "request_id"}
    assert reply.json()["status"].startswith(reason)
    assert f"refused: 400 {reason.strip()}" in caplog.text


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("text/plain", "'text/plain'"),
        ("image/gif", "'image/gif'"),
        ("multipart/form-data; boundary=x", "'multipart/form-data'"),
        ('a"b/c', "'a\"b/c'"),
        ("", "none"),
        (None, "none"),
    ],
)
def test_other_types_are_415_with_the_list_of_those_that_work(ask: Ask, content_type: str | None, found: str) -> None:
    reply = ask("total", b"{}", content_type=content_type)

    supported = reply.json()["supported"]
    assert reply.status == 415
    assert reply.json() == {
        "status": f"Content-Type: expected one of {', '.join(supported)}; found {found}",
        "supported": supported,
        "request_id": "id-1",
    }
    assert reply.headers["accept"] == ", ".join(supported)
    assert supported == [
        "application/json",
        "image/jpeg",
        "image/png",
        "video/avi",
        "video/x-matroska",
        "video/quicktime",
        "video/mp4",
    ]


def test_input_that_the_handler_refuses_is_400_with_its_message(ask: Ask) -> None:
    reply = ask("total", b'{"count": 2}')

    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    assert reply.json() == {"status": 'the order has no "price"', "request_id": "id-1"}
    assert ask("total", b'{"price": 5, "count": 2}').json() == {"total": 10}
