"""multipart/form-data as nobody should send it."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Reply, RunningServer, wait_until
from tests.faults.conftest import Client, Start

TYPE = "multipart/form-data; boundary=XX"
FIELD = b'Content-Disposition: form-data; name="a"'


def form(*parts: bytes, end: bytes = b"--XX--\r\n") -> bytes:
    """A body of these parts, each with its head."""
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + end


def part(head: bytes = FIELD, body: bytes = b"x") -> bytes:
    return head + b"\r\n\r\n" + body


def post(server: RunningServer, body: bytes, content_type: str = TYPE) -> Reply:
    return server.request("POST", "/", body, headers={"Content-Type": content_type})


REFUSED: dict[str, tuple[str, bytes]] = {
    "no boundary": ("multipart/form-data", form(part())),
    "empty boundary": ("multipart/form-data; boundary=", form(part())),
    "empty quoted boundary": ('multipart/form-data; boundary=""', form(part())),
    "boundary of 71 characters": (f"multipart/form-data; boundary={'X' * 71}", form(part())),
    "boundary beyond ASCII": ("multipart/form-data; boundary=\xe9", form(part())),
    "another boundary": ("multipart/form-data; boundary=YY", form(part())),
    "nothing": (TYPE, b""),
    "no parts and no end": (TYPE, b"text"),
    "only the first boundary": (TYPE, b"--XX\r\n"),
    "no end": (TYPE, form(part(), end=b"")),
    "cut in a head": (TYPE, b"--XX\r\nContent-Disp"),
    "cut in a body": (TYPE, b"--XX\r\n" + part(body=b"x" * 1000)),
    "cut in the last boundary": (TYPE, form(part(), end=b"--X")),
    "line without a colon": (TYPE, form(part(b"no colon"))),
    "empty name": (TYPE, form(part(b": value"))),
    "17 headers": (TYPE, form(part(b"\r\n".join([FIELD] + [b"X: y"] * 16)))),
    "a header of 10 KB": (TYPE, form(part(FIELD + b"\r\nX: " + b"y" * 10_000))),
    "a header without end": (TYPE, b"--XX\r\nX: " + b"y" * 200_000),
    "a name without end": (TYPE, b"--XX\r\n" + b"y" * 200_000),
    "1001 parts": (TYPE, form(*[part()] * 1001)),
    "1001 empty parts": (TYPE, b"--XX\r\n\r\n\r\n" * 1001 + b"--XX--"),
    "quoted-printable line without end": (
        TYPE,
        form(part(FIELD + b"\r\nContent-Transfer-Encoding: quoted-printable", b"x" * 1_000_000)),
    ),
}

TAKEN: dict[str, tuple[str, bytes, list[dict[str, Any]]]] = {
    "type in capitals": ("MULTIPART/FORM-DATA; BOUNDARY=XX", form(part()), [{"form_name": "a", "text": "x"}]),
    "quoted boundary": ('multipart/form-data; boundary="XX"', form(part()), [{"text": "x"}]),
    "further parameters": ("multipart/form-data; charset=utf-8; boundary=XX", form(part()), [{"text": "x"}]),
    "boundary within the data": (TYPE, form(part(body=b"--XX and \r\n--X")), [{"text": "--XX and \r\n--X"}]),
    "1000 parts": (TYPE, form(*[part()] * 1000), [{"text": "x"}] * 1000),
    "the same name twice": (TYPE, form(part(), part(body=b"y")), [{"form_name": "a"}, {"form_name": "a"}]),
    "no end of line after the end": (TYPE, form(part(), end=b"--XX--"), [{"text": "x"}]),
    "a path as file name": (
        TYPE,
        form(part(FIELD + b'; filename="../../etc/passwd"')),
        [{"file_name": "passwd"}],
    ),
    "an empty file name": (TYPE, form(part(FIELD + b'; filename=""')), [{"file_name": None}]),
    "an unknown charset": (TYPE, form(part(FIELD + b"; filename*=klingon''x")), [{"text": "x"}]),
    "a charset that cannot be read": (TYPE, form(part(FIELD + b"; filename*=undefined''x")), [{"text": "x"}]),
    "a charset that cannot be read so": (TYPE, form(part(FIELD + b"; filename*=punycode''%C3")), [{"text": "x"}]),
    "a type with controls": (TYPE, form(part(FIELD + b"\r\nContent-Type: a/b;\tc")), [{"content_type": "a/b;\tc"}]),
    "NULs in the data": (TYPE, form(part(body=b"\0\0")), [{"text": "\0\0"}]),
}

EITHER: dict[str, bytes] = {
    "space before the colon": form(part(b'Content-Disposition : form-data; name="a"')),
    "folded header": form(part(FIELD + b"\r\n folded")),
    "invalid UTF-8 as file name": form(part(FIELD + b'; filename="\xff\xfe"')),
    "NUL in the file name": form(part(FIELD + b'; filename="a\0b"')),
    "NUL in the coded file name": form(part(FIELD + b"; filename*=UTF-8''a%00b")),
    "surrogates in the coded file name": form(part(FIELD + b"; filename*=UTF-8''%ED%A0%80")),
    "dots as file name": form(part(FIELD + b'; filename=".."')),
    "invalid UTF-8 as name": form(part(b'Content-Disposition: form-data; name="\xff"')),
    "quotes without end": form(part(b'Content-Disposition: form-data; name="a')),
    "backslashes": form(part(b'Content-Disposition: form-data; name="\\\\\\"')),
    "many parameters": form(part(b"Content-Disposition: form-data" + b"; x=y" * 800)),
    "bare line feeds": b"--XX\n" + FIELD + b"\n\nx\n--XX--\n",
    "text before the first boundary": b"preamble\r\n" + form(part()),
    "text after the last boundary": form(part()) + b"epilogue",
    "a name of 4000 characters": form(part(b'Content-Disposition: form-data; name="' + b"a" * 4000 + b'"')),
    "quoted-printable that is not": form(
        part(FIELD + b"\r\nContent-Transfer-Encoding: quoted-printable", b"=ZZ =\xff=")
    ),
    "base64 as coding": form(part(FIELD + b"\r\nContent-Transfer-Encoding: base64", b"eA==")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_broken_forms_are_400_with_the_reason(echoing: RunningServer, name: str) -> None:
    content_type, body = REFUSED[name]

    reply = post(echoing, body, content_type)

    assert reply.status == 400
    assert "multipart body" in reply.json()["status"]


@pytest.mark.parametrize("name", TAKEN)
def test_odd_forms_are_taken_as_they_are_meant(echoing: RunningServer, name: str) -> None:
    content_type, body, expected = TAKEN[name]

    reply = post(echoing, body, content_type)

    assert reply.status == 200
    contents = reply.json()["contents"]
    assert [{key: content[key] for key in want} for content, want in zip(contents, expected, strict=True)] == expected


@pytest.mark.parametrize("name", EITHER)
def test_forms_without_a_clear_meaning_are_taken_or_refused(echoing: RunningServer, name: str) -> None:
    reply = post(echoing, EITHER[name])

    assert reply.status in (200, 400)
    if reply.status == 200:
        assert all("/" not in (content["file_name"] or "") for content in reply.json()["contents"])


@pytest.mark.parametrize(
    "data",
    [b"\r\n--X" * 800_000, b"\r" * 4_000_000, b"\r\n" * 2_000_000, b"--XX" * 1_000_000, b"\r\n--XX-" * 600_000],
    ids=["almost boundaries", "carriage returns", "empty lines", "boundaries in a line", "almost ends"],
)
def test_data_that_looks_like_a_boundary_costs_no_more_than_other_data(echoing: RunningServer, data: bytes) -> None:
    started_s = time.monotonic()
    reply = post(echoing, form(part(body=data)))

    assert time.monotonic() - started_s < 10
    assert reply.status in (200, 400)


def test_a_form_that_comes_byte_by_byte_is_taken(echoing: RunningServer) -> None:
    body = form(part(), part(FIELD + b'; filename="f"', b"y" * 100))
    with Client(echoing.port) as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        for place in range(len(body)):
            client.send(body[place : place + 1])
        answer = client.answer()

    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("ending", ["leaves", "breaks the form", "is answered"])
def test_no_file_of_a_part_is_left(start: Start, http: str, handlers: Path, tmp_path: Path, ending: str) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start(
        "--model-dir", handlers / "echo", "--http", http, "--body-memory", "0", TMPDIR=str(temporary)
    ).wait_until_ready()
    (spool,) = temporary.iterdir()
    begun = form(*[part(body=b"x" * 100_000)] * 3, end=b"--XX\r\n") + part(body=b"y" * 100_000)
    rest = {"leaves": b"", "breaks the form": b"\r\n--XX\r\nno colon\r\n\r\n", "is answered": b"\r\n--XX--"}[ending]
    length = len(begun) + (len(rest) or 1)
    with Client(server.port) as client:
        client.send(_head(length))
        client.send(begun)
        wait_until(lambda: len(list(spool.glob("body-*"))) == 4, "the parts to be spooled")
        client.send(rest)
        if rest:
            answer = client.answer()
            assert answer is not None
            assert answer.status == (200 if ending == "is answered" else 400)

    wait_until(lambda: not list(spool.glob("body-*")), "the files to go")


def _head(length: int) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {TYPE}\r\nContent-Length: {length}\r\n\r\n".encode()
