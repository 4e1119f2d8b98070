"""Writes to the socket of its worker what the worker would not; the request's JSON says what."""

import glob
import json
import os
import stat
import struct
import threading
import time

MAGIC = b"ABW\x01"
requests = 0


def channel():
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.stat("/proc/self/fd/" + name).st_mode):
                return int(name)
        except OSError:
            continue


def say(data):
    sock, view = channel(), memoryview(data)
    while view:
        view = view[os.write(sock, view) :]


def frame(header, payload=b""):
    head = json.dumps(header).encode()
    return struct.pack(">4sII", MAGIC, len(head), len(payload)) + head + payload


def own(payload=b"", **header):
    """A frame about the request that the handler has."""
    say(frame(dict(header, id=requests), payload))


def response(payload=b"", **header):
    own(payload, **dict({"kind": "response", "status": 200, "content_type": "text/plain", "headers": []}, **header))


def folder():
    """The worker's own, in the spool."""
    (spool,) = glob.glob(os.environ["TMPDIR"] + "/abeja-runtime-spool-*")
    return max(glob.glob(spool + "/worker-*"), key=lambda path: int(path.rpartition("-")[2]))


def pipe_as_answer():
    os.mkfifo(folder() + "/pipe")
    response(body="file", path=folder() + "/pipe", size=0)


def file_as_answer(size):
    with open(folder() + "/answer", "wb") as file:
        file.write(b"x" * 100)
    response(body="file", path=folder() + "/answer", size=size)


def link_as_answer():
    os.symlink("/etc/passwd", folder() + "/link")
    response(body="file", path=folder() + "/link", size=os.path.getsize("/etc/passwd"))


def say_later():
    threading.Timer(0.02, say, [b"?" * 100]).start()


def wait():
    open("busy", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)


FAILURE = {"slug": "x", "message": "m", "hint": "h", "traceback": "t"}

DEEDS = {
    "nothing": lambda: None,
    "wait": wait,
    "random bytes": lambda: say(os.urandom(1000)),
    "a million bytes": lambda: say(b"?" * 1000000),
    "half a head": lambda: say(frame({"kind": "response"})[:7]),
    "half a frame": lambda: say(struct.pack(">4sII", MAGIC, 10, 1000000) + b'{"kind":1}'),
    "huge frame": lambda: say(struct.pack(">4sII", MAGIC, 1 << 31, 1 << 31)),
    "no kind": lambda: say(frame({"id": 1})),
    "bomb": lambda: say(struct.pack(">4sII", MAGIC, 200000, 0) + b"[" * 200000),
    "of another request": lambda: say(frame({"kind": "response", "id": 10**9})),
    "of an odd request": lambda: say(frame({"kind": "response", "id": {"a": []}})),
    "ready again": lambda: say(frame({"kind": "ready", "python": "2.7"})),
    "failed now": lambda: say(frame({"kind": "failed", "error": FAILURE})),
    "init": lambda: say(frame({"kind": "init"})),
    "unknown kind": lambda: own(kind="unknown"),
    "ready for it": lambda: own(kind="ready"),
    "request": lambda: own(kind="request"),
    "chunk first": lambda: own(b"piece", kind="chunk"),
    "end first": lambda: own(kind="end"),
    "response without anything": lambda: own(kind="response"),
    "response twice": lambda: [response(b"forged", body="inline"), response(b"forged", body="inline")],
    "response in a stream": lambda: [response(body="stream"), response(b"forged", body="inline")],
    "stream in a stream": lambda: [response(body="stream"), response(body="stream")],
    "stream without an end": lambda: response(body="stream"),
    "odd status": lambda: response(b"forged", body="inline", status={"a": 1}),
    "odd headers": lambda: response(b"forged", body="inline", headers={"a": 1}),
    "odd header": lambda: response(b"forged", body="inline", headers=[["a", "b", "c"]]),
    "header of lines": lambda: response(b"forged", body="inline", headers=[["a", "b\r\nc: d"]]),
    "odd body": lambda: response(b"forged", body=["inline"]),
    "error without anything": lambda: own(kind="error"),
    "error of numbers": lambda: own(kind="error", error={"message": 5, "traceback": [6], "slug": 7}),
    "file elsewhere": lambda: response(body="file", path="/etc/passwd", size=1),
    "file above": lambda: response(body="file", path=folder() + "/../../x", size=1),
    "file not there": lambda: response(body="file", path=folder() + "/none", size=1),
    "file without a name": lambda: response(body="file", path="", size=1),
    "file of a number": lambda: response(body="file", path=5, size=1),
    "file with a NUL": lambda: response(body="file", path=folder() + "/\0", size=1),
    "file that is a folder": lambda: response(body="file", path=folder(), size=1),
    "file that is a pipe": pipe_as_answer,
    "file that is a link": link_as_answer,
    "file that is longer": lambda: file_as_answer(10),
    "file that is shorter": lambda: file_as_answer(1000),
    "file of odd size": lambda: file_as_answer("100"),
    "memory elsewhere": lambda: response(body="memory", block=10**9, size=1),
    "memory of nothing": lambda: response(body="memory", block=0, size=0),
    "memory of a text": lambda: response(body="memory", block="0", size=1),
    "memory without a place": lambda: response(body="memory"),
    "later": say_later,
}


def handler(request, context):
    global requests
    requests += 1
    DEEDS[json.loads(request.read().decode())]()
    return {"content": "done"}
