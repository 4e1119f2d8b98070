"""Answers by the file name of its only content, or by its text."""

import os
import time

print("imported")


def handler(request, context):
    text = request.read().decode("utf-8", "replace").strip()
    print("got", text[:20])
    return ANSWERS.get(text, ANSWERS["default"])(request)


def slow(request):
    time.sleep(0.3)
    return {"content": "slept"}


ANSWERS = {
    "default": lambda request: {"content": request["content_type"]},
    "json": lambda request: {"content_type": "application/json", "content": {"b": "猫", "a": [1]}},
    "lines": lambda request: {"content_type": "application/json", "content": [{"a": 1}, {"a": 2}]},
    "bytes": lambda request: {"content_type": "image/x-none", "content": b"\x00\xff\n"},
    "empty": lambda request: {"content": None},
    "large": lambda request: {"content_type": "text/plain", "content": b"l" * 1_000_000},
    "stream": lambda request: {"content": (str(number) for number in range(3))},
    "refuse": lambda request: {"status_code": 404, "content_type": "application/json", "content": {"message": "no cat"}},
    "raise": lambda request: 1 / 0,
    "die": lambda request: os._exit(3),
    "slow": slow,
    "environ": lambda request: {"content": os.environ.get("GREETING") + os.environ.get("ABEJA_ORGANIZATION_ID", "")},
}
