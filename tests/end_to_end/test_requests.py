"""What a 19.04 handler gets of an HTTP request."""

import hashlib
import json
import re

import pytest

from tests.end_to_end.conftest import RunningServer

HANDLER_FOLDER = "echo"


def test_post_brings_body_type_path_and_query(shared: RunningServer) -> None:
    reply = shared.request("POST", "/a/b?c=d&e=%20", b'{"x": 1}', headers={"Content-Type": "application/json; a=B"})

    seen = reply.json()
    assert reply.status == 200
    assert (seen["http_method"], seen["content_type"]) == ("POST", "application/json; a=B")
    assert (seen["path"], seen["query"]) == ("/a/b", "c=d&e=%20")
    assert [content["text"] for content in seen["contents"]] == ['{"x": 1}']


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_with_bodies_reach_the_handler_like_post(shared: RunningServer, method: str) -> None:
    seen = shared.request(method, "/", b"data", headers={"Content-Type": "text/plain"}).json()

    assert (seen["http_method"], seen["contents"][0]["text"]) == (method, "data")


def test_get_brings_the_raw_query_as_a_form(shared: RunningServer) -> None:
    seen = shared.request("GET", "/?a=1&b=%20x&a=2", b"", headers={"Content-Type": "application/json"}).json()

    assert seen["content_type"] == "application/x-www-form-urlencoded"
    assert [content["text"] for content in seen["contents"]] == ["a=1&b=%20x&a=2"]


def test_what_a_get_says_of_a_body_is_not_looked_at(shared: RunningServer) -> None:
    reply = shared.request("GET", "/?a=1", headers={"Content-Type": "multipart/form-data"})

    assert (reply.status, reply.json()["contents"][0]["text"]) == (200, "a=1")


def test_head_runs_as_get_and_has_no_body(shared: RunningServer) -> None:
    head, get = shared.request("HEAD", "/?a=1"), shared.request("GET", "/?a=1")

    assert (head.status, head.body) == (200, b"")
    # Both ids have 32 digits, so the lengths agree.
    assert head.headers["content-length"] == get.headers["content-length"]


def test_post_without_content_type_is_octets(shared: RunningServer) -> None:
    assert shared.request("POST", "/", b"x").json()["content_type"] == "application/octet-stream"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "BREW", "get"])
def test_methods_that_the_abi_does_not_have_are_405(shared: RunningServer, method: str) -> None:
    reply = shared.request(method)

    assert reply.status == 405
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PATCH, POST, PUT"
    assert reply.json()["status"] == "the method is not allowed"


def test_headers_are_lower_case_sorted_and_grouped(shared: RunningServer) -> None:
    raw = shared.exchange(
        b"POST / HTTP/1.1\r\nHost: h\r\nX-Multi: 5\r\nAccept: */*\r\nX-MULTI: 3\r\nX-Blank:\r\nX-Utf: \xe5\x90\x8d\r\n"
        b"X-Not-Utf: \xff\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )

    headers = json.loads(raw.partition(b"\r\n\r\n")[2])["headers"]
    assert headers == [
        {"key": "accept", "values": ["*/*"]},
        {"key": "connection", "values": ["close"]},
        {"key": "content-length", "values": ["0"]},
        {"key": "x-blank", "values": [""]},
        {"key": "x-multi", "values": ["5", "3"]},
        {"key": "x-not-utf", "values": ["\ufffd"]},
        {"key": "x-utf", "values": ["名"]},
    ]


def test_credentials_do_not_reach_the_handler(shared: RunningServer) -> None:
    reply = shared.request(
        "POST", "/", b"", headers={"Authorization": "Bearer x", "Proxy-Authorization": "y", "X": "z"}
    )

    assert "x" in (names := [header["key"] for header in reply.json()["headers"]])
    assert not {"authorization", "proxy-authorization", "host"} & set(names)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 5_000_000])
def test_bodies_of_any_size_arrive_whole(shared: RunningServer, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)

    seen = shared.request("POST", "/", body[:size]).json()["contents"][0]

    assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body[:size]).hexdigest())


def test_chunked_bodies_arrive_whole(shared: RunningServer) -> None:
    seen = shared.request("POST", "/", iter([b"abc", b"d" * 100_000])).json()

    assert seen["contents"][0]["size"] == 100_003
    assert "transfer-encoding" not in [header["key"] for header in seen["headers"]]


def test_absolute_form_targets_are_paths(shared: RunningServer) -> None:
    raw = shared.exchange(b"GET http://example.org/p?q=1 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")

    assert json.loads(raw.partition(b"\r\n\r\n")[2])["path"] == "/p"


def test_request_ids_are_taken_made_and_echoed(shared: RunningServer) -> None:
    taken = shared.request("POST", headers={"X-Request-Id": "abc-1"})
    vendor = shared.request("POST", headers={"x-abeja-request-id": "def-2", "X-Request-Id": "abc-1"})
    made = [shared.request("POST", headers={"X-Request-Id": "not a\ttoken"}) for _ in range(2)]

    assert taken.headers["x-request-id"] == "abc-1"
    assert vendor.headers["x-request-id"] == "def-2"
    assert len({reply.headers["x-request-id"] for reply in made} - {"not a\ttoken"}) == 2


FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nplain\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="b"; filename="dir/\xe7\x8c\xab.jpg"\r\n'
    b"Content-Type: image/jpeg; x=1\r\n\r\n\xff\xd8\r\n\x00\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="c"; filename=""\r\n\r\n\r\n'
    b'--XX\r\nContent-Disposition: attachment; filename="d.txt"\r\n\r\nd\r\n'
    b"--XX\r\n\r\nbare\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="q"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    b"caf=C3=A9=\r\n!\r\n"
    b"--XX--\r\n"
)


def test_multipart_parts_are_contents(shared: RunningServer) -> None:
    reply = shared.request("POST", "/", FORM, headers={"Content-Type": "Multipart/Form-Data; boundary=XX"})

    contents = reply.json()["contents"]
    assert [(content["form_name"], content["file_name"], content["content_type"]) for content in contents] == [
        ("a", None, None),
        ("b", "猫.jpg", "image/jpeg; x=1"),
        ("c", None, None),
        (None, "d.txt", None),
        (None, None, None),
        ("q", None, None),
    ]
    texts = [content["text"].encode("latin-1") for content in contents]
    assert texts == [b"plain", b"\xff\xd8\r\n\x00", b"", b"d", b"bare", "café!".encode()]


def test_file_names_in_the_form_of_rfc_8187_are_decoded(shared: RunningServer) -> None:
    part = b"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''%E7%8C%AB.jpg"
    body = b"--XX\r\n" + part + b"\r\n\r\nx\r\n--XX--"
    reply = shared.request("POST", "/", body, headers={"Content-Type": "multipart/form-data; boundary=XX"})

    assert [content["file_name"] for content in reply.json()["contents"]] == ["猫.jpg"]


def test_an_early_answer_is_the_last_of_its_connection(shared: RunningServer) -> None:
    raw = shared.exchange(b"OPTIONS / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")

    assert raw.startswith(b"HTTP/1.1 405 ")
    assert b"Connection: close" in raw.partition(b"\r\n\r\n")[0]


def test_large_parts_arrive_whole(shared: RunningServer) -> None:
    large = bytes(range(256)) * 4000
    body = b"".join(
        b'--XX\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n%s\r\n' % (number, large[number:])
        for number in range(3)
    )
    reply = shared.request("POST", "/", body + b"--XX--", headers={"Content-Type": "multipart/form-data; boundary=XX"})

    expected = [hashlib.sha256(large[number:]).hexdigest() for number in range(3)]
    assert [content["sha256"] for content in reply.json()["contents"]] == expected


def test_empty_form_has_no_contents(shared: RunningServer) -> None:
    reply = shared.request("POST", "/", b"--XX--\r\n", headers={"Content-Type": "multipart/form-data; boundary=XX"})

    assert reply.json()["contents"] == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", FORM),
        ("multipart/form-data; boundary=", FORM),
        ("multipart/form-data; boundary=YY", FORM),
        ("multipart/form-data; boundary=XX", FORM[:-10]),
        ("multipart/form-data; boundary=XX", b"garbage"),
        ("multipart/form-data; boundary=XX", b""),
        ("multipart/form-data; boundary=XX", b"--XX\r\nno colon\r\n\r\nx\r\n--XX--"),
        ("multipart/form-data; boundary=XX", b"--XX\r\nX: " + b"y" * 10_000 + b"\r\n\r\nx\r\n--XX--"),
        ("multipart/form-data; boundary=XX", b"--XX\r\n\r\n\r\n" * 1001 + b"--XX--"),
        (
            "multipart/form-data; boundary=XX",
            b"--XX\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"x" * 10_000_000 + b"\r\n--XX--",
        ),
    ],
    ids=[
        "no boundary",
        "empty boundary",
        "other boundary",
        "cut",
        "garbage",
        "empty",
        "header",
        "long",
        "many",
        "quoted",
    ],
)
def test_broken_forms_are_400_with_the_reason(shared: RunningServer, content_type: str, body: bytes) -> None:
    reply = shared.request("POST", "/", body, headers={"Content-Type": content_type})

    assert reply.status == 400
    assert "multipart body" in reply.json()["status"]


def test_other_multipart_types_are_plain_bodies(shared: RunningServer) -> None:
    reply = shared.request("POST", "/", FORM, headers={"Content-Type": "multipart/mixed; boundary=XX"})

    assert [content["size"] for content in reply.json()["contents"]] == [len(FORM)]


def test_connections_are_kept_and_pipelined_requests_answered_in_order(shared: RunningServer) -> None:
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(5))
    raw = shared.exchange(requests + b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    paths = [
        json.loads(part)["path"] for part in raw.split(b"\r\n\r\n")[1:] for part in [part.partition(b"HTTP/1.1")[0]]
    ]
    assert paths == ["/0", "/1", "/2", "/3", "/4", "/last"]


@pytest.mark.parametrize("host", ["", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: a/b\r\n"])
def test_a_request_names_one_host(shared: RunningServer, host: str) -> None:
    raw = shared.exchange(f"GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode())

    assert raw.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("option", ["close", "close, TE", "TE, Close"])
def test_nothing_runs_after_connection_close(shared: RunningServer, option: str) -> None:
    raw = shared.exchange(
        f"GET /first HTTP/1.1\r\nHost: h\r\nConnection: {option}\r\n\r\n".encode()
        + b"GET /second HTTP/1.1\r\nHost: h\r\n\r\n"
    )

    assert raw.count(b"HTTP/1.1 200") == 1
    shared.request("GET", "/barrier")
    shared.wait_for_log(re.compile("GET /barrier"))
    assert "GET /second" not in shared.log()


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: " + "9" * 5000,
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
    ],
)
def test_bodies_whose_end_is_unclear_get_one_400(shared: RunningServer, framing: str) -> None:
    raw = shared.exchange(f"POST / HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\nhello".encode())

    assert raw.startswith(b"HTTP/1.1 400 ")
    assert raw.count(b"HTTP/1.1") == 1
