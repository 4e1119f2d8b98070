"""Requests as events of payload format 2.0, and what functions return as answers."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from abeja.runtime.testing import AbiContract, Exchange

import abeja_runtime_lambda.abi
import abeja_runtime_lambda.msgpack
from abeja_runtime_lambda.abi import variables
from abeja_runtime_lambda.abi.worker import Adapter, LambdaContext, event_of

ECHO = """
def handler(event, context):
    kind = event["headers"].get("content-type", "text/plain")
    return {
        "statusCode": 200,
        "headers": {"content-type": kind, "x-function": context.function_name},
        "body": event.get("body", event["rawPath"] + "?" + event["rawQueryString"]),
        "isBase64Encoded": event["isBase64Encoded"],
    }
"""
RETURNS = """
def handler(event, context):
    return {"method": event["requestContext"]["http"]["method"], "values": (1, None, 0.5)}
"""
PACKS = """
def handler(event, context):
    return {"statusCode": 201, "headers": {"Content-Type": "application/msgpack"}, "body": {"a": [1, None]}}
"""
AWAITED = """
async def handler(event, context):
    return event["queryStringParameters"]["name"]
"""
COOKIES = """
def handler(event, context):
    return {"statusCode": 302, "headers": {"Location": "/"}, "cookies": ["a=1"]}
"""
RAISES = """
def handler(event, context):
    raise KeyError("x")
"""
NO_STATUS = """
def handler(event, context):
    return {"statusCode": "OK"}
"""


class TestLambda(AbiContract):
    plugin = abeja_runtime_lambda.abi
    encoders = (abeja_runtime_lambda.msgpack, "json")
    template_handler = "lambda_function:lambda_handler"
    samples = (
        Exchange(handler=ECHO, request={"method": "GET", "path": "/a", "query": "b=1"}, body=b"/a?b=1"),
        Exchange(
            handler=ECHO,
            request={
                "body": b'{"a": 1}',
                "content_type": "application/json",
                "headers": {"X-Request-Id": "id-1"},
            },
            content_type="application/json",
            body=b'{"a": 1}',
            headers={"x-function": "function"},
        ),
        Exchange(
            handler=ECHO,
            request={"body": b"\x89\xff\x00" * 100_000, "content_type": "image/png"},
            content_type="image/png",
            body=b"\x89\xff\x00" * 100_000,
        ),
        Exchange(
            handler=RETURNS,
            request={"method": "DELETE"},
            content_type="application/json",
            body=b'{"method": "DELETE", "values": [1, null, 0.5]}',
        ),
        Exchange(
            handler=PACKS,
            status=201,
            content_type="application/msgpack",
            body=bytes.fromhex("81 a161 92 01 c0"),
        ),
        Exchange(handler=AWAITED, request={"query": "name=Ada"}, body=b"Ada"),
        Exchange(handler=COOKIES, status=302, body=b"", headers={"location": "/", "set-cookie": "a=1"}),
        Exchange(handler=RAISES, status=500),
        Exchange(handler=NO_STATUS, status=500),
    )


class JsonEncoder:
    """Takes everything, as abeja-runtime's does."""

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type

    def claims(self, content: object) -> bool:
        return False

    def accepts(self, value: object) -> bool:
        return True

    def encode(self, value: object, *, is_first: bool) -> list[bytes]:
        return [json.dumps(value).encode()]


SERVICES = SimpleNamespace(encoders=[JsonEncoder], version="1", settle=lambda value: value)


def message(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    body: bytes = b"",
    headers: dict[str, list[str]] | None = None,
) -> SimpleNamespace:
    """What the message of an ABI has, by the reference of hooks."""
    pairs = sorted((headers or {}).items())
    content_type = (headers or {}).get("content-type", [None])[0]
    content = SimpleNamespace(body=io.BytesIO(body), size_bytes=len(body))
    return SimpleNamespace(
        method=method,
        path=path,
        query=query,
        content_type=content_type,
        headers=pairs,
        contents=[content],
        request_id="id-1",
        client_ip="192.0.2.7",
        timeout_s=3.0,
    )


def answer(returned: object) -> tuple[int, str, list[tuple[str, str]], bytes]:
    def function(event: object, context: object) -> object:
        return returned

    reply = Adapter(function, SERVICES).call(message())
    assert reply["streamed"] is False
    return reply["status"], reply["content_type"], reply["headers"], b"".join(reply["body"])


def test_a_plain_get_has_no_empty_keys() -> None:
    event = event_of(message(headers={"host": ["abc.example.com:8080"], "user-agent": ["curl"]}))

    context = event.pop("requestContext")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "host": "abc.example.com:8080",
            "user-agent": "curl",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "8080",
            "x-forwarded-proto": "http",
        },
        "isBase64Encoded": False,
    }
    assert context["http"] == {
        "method": "GET",
        "path": "/",
        "protocol": "HTTP/1.1",
        "sourceIp": "192.0.2.7",
        "userAgent": "curl",
    }
    assert (context["domainName"], context["domainPrefix"]) == ("abc.example.com", "abc")
    assert (context["requestId"], context["stage"], context["routeKey"]) == ("id-1", "$default", "$default")
    assert context["accountId"].isdigit()
    assert context["time"].endswith(" +0000")
    assert isinstance(context["timeEpoch"], int)


def test_a_query_is_decoded_and_its_repetitions_are_joined() -> None:
    event = event_of(message(query="a=1;0&a=%C3%A9+x&b=&&c&d%26=e=f"))

    assert event["rawQueryString"] == "a=1;0&a=%C3%A9+x&b=&&c&d%26=e=f"
    assert event["queryStringParameters"] == {"a": "1;0,é x", "b": "", "c": "", "d&": "e=f"}


@pytest.mark.parametrize(
    ("host", "domain", "port"),
    [("a.b", "a.b", "80"), ("a.b:81", "a.b", "81"), ("[::1]:82", "[::1]", "82"), ("[::1]", "[::1]", "80")],
)
def test_the_domain_is_the_host_without_its_port(host: str, domain: str, port: str) -> None:
    event = event_of(message(headers={"host": [host]}))

    assert (event["requestContext"]["domainName"], event["headers"]["x-forwarded-port"]) == (domain, port)


def test_repeated_headers_are_joined_and_cookies_stand_apart() -> None:
    event = event_of(message(headers={"accept": ["a/b", "c/d"], "cookie": ["x=1; y=2", "z=3"]}))

    assert event["headers"]["accept"] == "a/b,c/d"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["x=1", "y=2", "z=3"]


def test_a_proxy_is_kept_in_the_chain() -> None:
    headers = {
        "x-forwarded-for": ["198.51.100.1"],
        "x-forwarded-proto": ["https"],
        "x-forwarded-port": ["443"],
    }
    event = event_of(message(headers=headers))

    assert event["headers"]["x-forwarded-for"] == "198.51.100.1, 192.0.2.7"
    assert (event["headers"]["x-forwarded-proto"], event["headers"]["x-forwarded-port"]) == ("https", "443")


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": "\xc3\xa9"}', ('{"a": "é"}', False)),
        ("application/problem+json; charset=utf-8", b"{}", ("{}", False)),
        ("TEXT/plain", b"a", ("a", False)),
        ("text/plain", b"\xff", ("/w==", True)),
        ("application/x-www-form-urlencoded", b"a=b", ("YT1i", True)),
        ("image/png", b"\x89PNG", ("iVBORw==", True)),
        (None, b"a", ("YQ==", True)),
    ],
)
def test_text_is_text_and_anything_else_is_base64(
    content_type: str | None, body: bytes, expected: tuple[str, bool]
) -> None:
    headers = {"content-type": [content_type]} if content_type else {}
    event = event_of(message("POST", body=body, headers=headers))

    assert (event["body"], event["isBase64Encoded"]) == expected


def test_compressed_text_is_base64() -> None:
    headers = {"content-type": ["text/plain"], "content-encoding": ["gzip"]}

    assert event_of(message("POST", body=b"a", headers=headers))["isBase64Encoded"]


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ({"a": [1]}, b'{"a": [1]}'),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        ("sent as it is", b"sent as it is"),
        ({"message": "é"}, json.dumps({"message": "é"}).encode()),
    ],
)
def test_without_a_status_code_what_is_returned_is_the_body(returned: object, expected: bytes) -> None:
    assert answer(returned) == (200, "application/json", [], expected)


def test_with_a_status_code_each_field_counts() -> None:
    returned = {
        "statusCode": 201,
        "headers": {"Content-Type": "text/html", "X-Number": 5, "X-Flag": True},
        "cookies": ["a=1", "b=2; Secure"],
        "body": "<p>é",
        "isBase64Encoded": False,
    }

    headers = [("X-Number", "5"), ("X-Flag", "true"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Secure")]
    assert answer(returned) == (201, "text/html", headers, "<p>é".encode())


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ({"statusCode": 204}, 204, b""),
        ({"statusCode": "404", "body": "no"}, 404, b"no"),
        ({"statusCode": 200, "body": "iVBORw==", "isBase64Encoded": True}, 200, b"\x89PNG"),
        ({"statusCode": 200, "body": None, "isBase64Encoded": True}, 200, b""),
        ({"statusCode": 200, "body": {"a": 1}, "headers": None}, 200, b'{"a": 1}'),
    ],
)
def test_what_is_left_out_has_a_default(returned: object, status: int, body: bytes) -> None:
    assert answer(returned) == (status, "text/plain; charset=utf-8", [], body)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ({"statusCode": None}, "statusCode: expected an int, found None"),
        ({"statusCode": "OK"}, "statusCode: expected an int, found 'OK'"),
        ({"statusCode": True}, "statusCode: expected an int, found True"),
        ({"statusCode": 200, "headers": ["a"]}, "headers: expected a dict"),
        ({"statusCode": 200, "headers": {"a": ["b"]}}, "headers: expected text for a"),
        ({"statusCode": 200, "cookies": "a=1"}, "cookies: expected a list"),
        ({"statusCode": 200, "body": "%%%", "isBase64Encoded": True}, "body: isBase64Encoded is true, but"),
        ({"statusCode": 200, "body": {}, "isBase64Encoded": True}, "body: expected base64 text"),
    ],
)
def test_an_answer_that_is_none_names_the_field(returned: object, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        answer(returned)


def test_context_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(Path("/models/my model"), "app:run").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")

    context = LambdaContext("id-1", 3.0)

    assert (context.function_name, context.function_version) == ("my-model", "$LATEST")
    assert context.invoked_function_arn == "arn:aws:lambda:eu-north-1:123456789012:function:my-model"
    assert (context.memory_limit_in_mb, context.aws_request_id) == ("128", "id-1")
    assert context.log_group_name == "/aws/lambda/my-model"
    assert "[$LATEST]" in context.log_stream_name
    assert (context.client_context, context.identity.cognito_identity_id) == (None, None)


@pytest.mark.parametrize(
    ("timeout_s", "low", "high"), [(3.0, 2000, 3000), (0.0, 0, 0), (-1.0, 0, 0), (None, 900_000, 900_000)]
)
def test_the_time_that_is_left_is_that_of_the_server(timeout_s: float | None, low: int, high: int) -> None:
    assert low <= LambdaContext("id", timeout_s).get_remaining_time_in_millis() <= high


@pytest.mark.parametrize("name", ["aws_request_id", "log_stream_name", "invoked_function_arn"])
def test_every_documented_attribute_is_there(name: str) -> None:

    assert isinstance(getattr(LambdaContext("id", None), name), str)


def test_variables_name_the_handler_as_aws_does() -> None:
    given = variables(Path("/srv/app"), "src.app:handler")

    assert (given["_HANDLER"], given["LAMBDA_TASK_ROOT"]) == ("src.app.handler", "/srv/app")
    assert given["AWS_LAMBDA_FUNCTION_NAME"] == "app"
