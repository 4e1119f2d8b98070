"""AWS Lambda in the worker: events of payload format 2.0 in, what the function returns out.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
and https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

import base64
import binascii
import os
import re
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple
from urllib.parse import unquote_plus

ACCOUNT_ID = "123456789012"
API_ID = "local"
# A function without --timeout runs as long as it likes; this is the longest that AWS allows.
_LONGEST_MS = 15 * 60 * 1000
_JSON = "application/json"
# API Gateway's, for an answer with a statusCode and no content-type.
_DEFAULT_TYPE = "text/plain; charset=utf-8"
# Media types whose bodies API Gateway hands over as text; any other body is base64.
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_TEXT_SUFFIXES = ("+json", "+xml")
_PORT = re.compile(r":(\d+)$", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Adapter(object):
    """Calls a Lambda function.

    Args:
        function: the user's callable.
        services: the worker's services for ABIs.

    Raises:
        ValueError: `function` is not callable.
    """

    def __init__(self, function: Callable[..., Any], services: Any) -> None:
        if not callable(function):
            raise ValueError("it is a %s and cannot be called" % type(function).__name__)
        self._function = function
        self._services = services

    def call(self, message: Any) -> Dict[str, Any]:
        """Run the function on one message.

        Raises:
            TypeError, ValueError: the function returned something that is not an answer.
            BaseException: whatever the function raised.
        """
        context = LambdaContext(message.request_id, message.timeout_s)
        result = self._services.settle(self._function(event_of(message), context))
        if isinstance(result, dict) and "statusCode" in result:
            return self._answer(result)
        # Without a statusCode, what is returned is the body.
        return _reply(200, _JSON, [], self._body(result, _JSON))

    def _answer(self, result: Dict[str, Any]) -> Dict[str, Any]:
        headers, content_type = _headers(result.get("headers"))
        cookies = [("Set-Cookie", str(cookie)) for cookie in _list("cookies", result.get("cookies"))]
        body = result.get("body")
        if result.get("isBase64Encoded"):
            pieces: Iterable[bytes] = (_decoded(body),)
        else:
            pieces = self._body(body, content_type) if body is not None else ()
        return _reply(_status(result["statusCode"]), content_type, headers + cookies, pieces)

    def _body(self, value: Any, content_type: str) -> Iterable[bytes]:
        if isinstance(value, str):
            return (value.encode("utf-8"),)
        if isinstance(value, (bytes, bytearray)):
            return (bytes(value),)
        media_type = _media_type(content_type)
        for encoder in [encoder(media_type) for encoder in self._services.encoders]:
            if encoder.claims(value) or encoder.accepts(value):
                return list(encoder.encode(value, is_first=True))
        raise TypeError("no encoder of this image version takes a %s" % type(value).__name__)


class LambdaContext(object):
    """What a function knows of its invocation.

    Args:
        request_id: the request's.
        timeout_s: how long the function may take, None for as long as it likes.
    """

    def __init__(self, request_id: str, timeout_s: Optional[float]) -> None:
        environ = os.environ
        self._ends_s = None if timeout_s is None else time.monotonic() + timeout_s
        self.aws_request_id = request_id
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.invoked_function_arn = "arn:aws:lambda:%s:%s:function:%s" % (
            environ.get("AWS_REGION", "us-east-1"),
            ACCOUNT_ID,
            self.function_name,
        )
        # Text, as it is in AWS Lambda.
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + self.function_name)
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "local")
        self.identity = CognitoIdentity()
        # Only mobile clients of the AWS SDK send one.
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run, never below 0."""
        if self._ends_s is None:
            return _LONGEST_MS
        return max(0, int((self._ends_s - time.monotonic()) * 1000))


class CognitoIdentity(object):
    """Who calls, if Amazon Cognito had said so."""

    cognito_identity_id = None
    cognito_identity_pool_id = None


def event_of(message: Any) -> Dict[str, Any]:
    """The event of a request; as in AWS, keys that would be empty are not there."""
    headers = {name: ",".join(values) for name, values in message.headers}
    cookies = [value for name, values in message.headers if name == "cookie" for value in values]
    headers.pop("cookie", None)
    headers.update(_forwarded(headers, message.client_ip))
    event: Dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": message.path,
        "rawQueryString": message.query,
        "headers": headers,
        "requestContext": _request_context(message, headers),
    }
    if cookies:
        event["cookies"] = [
            cookie.strip() for value in cookies for cookie in value.split(";") if cookie.strip()
        ]
    parameters = _query_parameters(message.query)
    if parameters:
        event["queryStringParameters"] = parameters
    data = b"".join(content.body.read() for content in message.contents)
    text = _as_text(data, message.content_type, headers)
    if data:
        event["body"] = base64.b64encode(data).decode("ascii") if text is None else text
    event["isBase64Encoded"] = bool(data) and text is None
    return event


def _request_context(message: Any, headers: Dict[str, str]) -> Dict[str, Any]:
    now = time.time()
    domain = _PORT.sub("", headers.get("host", "")) or "localhost"
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": message.method,
            "path": message.path,
            "protocol": "HTTP/1.1",
            "sourceIp": message.client_ip or "127.0.0.1",
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": message.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": _log_time(now),
        "timeEpoch": int(now * 1000),
    }


def _forwarded(headers: Dict[str, str], client_ip: str) -> Dict[str, str]:
    """The headers that API Gateway adds: where the request came from, and how."""
    known = [headers["x-forwarded-for"]] if headers.get("x-forwarded-for") else []
    port = _PORT.search(headers.get("host", ""))
    return {
        "x-forwarded-for": ", ".join(known + [client_ip or "127.0.0.1"]),
        "x-forwarded-proto": headers.get("x-forwarded-proto", "http"),
        "x-forwarded-port": headers.get("x-forwarded-port", port.group(1) if port else "80"),
    }


def _log_time(seconds: float) -> str:
    """As in the common log format, whatever the locale: ``12/Mar/2020:19:03:58 +0000``."""
    moment = time.gmtime(seconds)
    return time.strftime("%d/{}/%Y:%H:%M:%S +0000", moment).format(_MONTHS[moment.tm_mon - 1])


def _query_parameters(query: str) -> Dict[str, str]:
    parameters: Dict[str, List[str]] = {}
    # Not by parse_qsl, which splits at semicolons too on older Pythons.
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        parameters.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: ",".join(values) for name, values in parameters.items()}


def _as_text(data: bytes, content_type: Optional[str], headers: Dict[str, str]) -> Optional[str]:
    """A body as text, None if it goes as base64."""
    media_type = _media_type(content_type or "")
    is_text = (
        media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(_TEXT_SUFFIXES)
    )
    if not is_text or headers.get("content-encoding", "identity").lower() != "identity":
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _reply(
    status: int, content_type: str, headers: List[Tuple[str, str]], body: Iterable[bytes]
) -> Dict[str, Any]:
    return {
        "status": status,
        "content_type": content_type,
        "headers": headers,
        "body": body,
        "streamed": False,
    }


def _status(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError("statusCode: expected an int, found %r" % (value,))
    try:
        return int(value)
    except ValueError:
        raise ValueError("statusCode: expected an int, found %r" % (value,)) from None


def _headers(value: Any) -> Tuple[List[Tuple[str, str]], str]:
    """The headers but for the content type, and that."""
    if value is not None and not isinstance(value, dict):
        raise TypeError("headers: expected a dict of texts, found a %s" % type(value).__name__)
    pairs = [(str(name), _header_text(name, item)) for name, item in (value or {}).items()]
    types = [item for name, item in pairs if name.lower() == "content-type"]
    return [pair for pair in pairs if pair[0].lower() != "content-type"], types[
        -1
    ] if types else _DEFAULT_TYPE


def _header_text(name: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError("headers: expected text for %s, found %r" % (name, value))


def _list(field: str, value: Any) -> List[Any]:
    if value is not None and not isinstance(value, (list, tuple)):
        raise TypeError("%s: expected a list of texts, found %r" % (field, value))
    return list(value or ())


def _decoded(body: Any) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, (str, bytes)):
        raise TypeError("body: expected base64 text, because isBase64Encoded is true, found %r" % (body,))
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("body: isBase64Encoded is true, but it is not base64: %s" % error) from None
