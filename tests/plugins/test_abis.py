"""The built-in handler ABIs keep the contract."""

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
