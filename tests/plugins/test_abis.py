"""The built-in handler ABIs keep the contract."""

import abeja_runtime_abis.v18_10
import abeja_runtime_abis.v19_04
import abeja_runtime_encoders.json
from abeja.runtime.testing import AbiContract, Exchange

ECHO = """
def handler(request, context):
    return {"content_type": "text/plain", "content": request.read(), "metadata": {"X-Method": request["http_method"]}}
"""
PARTS = """
def handler(request, context):
    parts = [[part["form_name"], part["file_name"], part.read().decode("ascii")] for part in request["contents"]]
    return {"content_type": "application/json", "content": {"parts": parts}}
"""
STREAM = """
def handler(request, context):
    return {"content_type": "application/json", "content": ({"number": number} for number in range(3))}
"""
NAMES = """
import enum

class Name(str, enum.Enum):
    OWN = "x-own"

def handler(request, context):
    return {"metadata": {Name.OWN: Name.OWN, None: "of null", True: "of true"}}
"""
COUNTS = """
async def handler(request, context):
    return {"status_code": 201, "content": "text"}
"""
WRONG = """
def handler(request, context):
    return "text"
"""
RAISES = """
def handler(request, context):
    raise KeyError("x")
"""

ORDERS = """
def handler(input_iter, context):
    for order in input_iter:
        if "price" not in order:
            raise context.exceptions.InvalidInput("the order has no price")
        yield {"total": order["price"] * 2}
"""
YIELDS = """
def handler(input_iter, context):
    for results in input_iter:
        for result in results:
            yield result
"""
YIELDS_BYTES = """
def handler(input_iter, context):
    for number in next(input_iter):
        yield bytes([number])
"""
RESPONDS = """
def handler(input_iter, context):
    for lines in input_iter:
        yield Response(lines, metadata=[("Content-Type", "text/plain"), ("X-Lines", str(len(lines)))])
"""
RAISES_LATER = """
def handler(input_iter, context):
    for value in input_iter:
        raise KeyError(value)
    yield
"""
OF_1904 = """
def handler(input_iter, context):
    result = {"content": "text"}
    return result
"""


class TestAbi1810(AbiContract):
    plugin = abeja_runtime_abis.v18_10
    encoders = ("file", "csv", "image", "json")
    samples = (
        Exchange(
            handler=ORDERS, request={"json": {"price": 5}}, content_type="application/json", body=b'{"total": 10}'
        ),
        Exchange(handler=ORDERS, request={"method": "PUT", "json": {"price": 1}}, body=b'{"total": 2}'),
        Exchange(handler=ORDERS, request={"json": {}}, status=400),
        Exchange(
            handler=ORDERS,
            request={"body": b"{", "content_type": "application/json"},
            status=400,
            content_type="application/json",
        ),
        Exchange(
            handler=ORDERS,
            request={"body": b"a,b", "content_type": "text/csv"},
            status=415,
            headers={
                "accept": "application/json, image/jpeg, image/png, "
                "video/avi, video/x-matroska, video/quicktime, video/mp4"
            },
        ),
        Exchange(handler=ORDERS, request={"form": {"price": "1"}}, status=415),
        Exchange(handler=YIELDS, request={"json": [[1, 2]]}, content_type="application/json", body=b"[1, 2]"),
        Exchange(handler=YIELDS, request={"json": ["text"]}, body=b'"text"'),
        Exchange(handler=YIELDS, request={"json": [{"a": 1}, [2], "3", None]}, body=b'{"a": 1}\n[2]\n"3"\nnull'),
        Exchange(handler=YIELDS, request={"json": []}, content_type="application/json", body=b""),
        Exchange(handler=YIELDS, request={"json": ["x" * 200_000]}, body=b'"%s"' % (b"x" * 200_000)),
        Exchange(handler=YIELDS_BYTES, request={"json": [0, 255, 65]}, body=b"\x00\xffA"),
        Exchange(
            handler=RESPONDS,
            request={"json": ["one", "two"]},
            content_type="text/plain",
            body=b"one\ntwo",
            headers={"x-lines": "2"},
        ),
        Exchange(handler=RAISES_LATER, request={"json": 1}, status=500),
        Exchange(handler=OF_1904, request={"json": 1}, status=500),
    )


class TestAbi1904(AbiContract):
    plugin = abeja_runtime_abis.v19_04
    encoders = ("file", abeja_runtime_encoders.json)
    samples = (
        Exchange(
            handler=ECHO,
            request={"body": b"bytes"},
            content_type="text/plain",
            body=b"bytes",
            headers={"x-method": "POST"},
        ),
        Exchange(handler=ECHO, request={"method": "GET", "path": "/a", "query": "b=1"}, body=b"b=1"),
        Exchange(handler=ECHO, request={"body": b"x" * 200_000}, body=b"x" * 200_000),
        Exchange(
            handler=PARTS,
            request={"form": {"a": "1", "b": ("c.txt", b"2", "text/plain")}},
            body=b'{"parts": [["a", null, "1"], ["b", "c.txt", "2"]]}',
        ),
        Exchange(handler=STREAM, body=b'{"number": 0}\n{"number": 1}\n{"number": 2}'),
        Exchange(handler=NAMES, headers={"x-own": "x-own", "null": "of null", "true": "of true"}),
        Exchange(handler=COUNTS, status=201, body=b"text"),
        Exchange(handler=WRONG, status=500),
        Exchange(handler=RAISES, status=500),
    )
