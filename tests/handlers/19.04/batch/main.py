"""Does what the request's JSON says, and writes down that it was asked."""

import json
import os
import signal
import time


def handler(request, context):
    data = request.read()
    try:
        wish = json.loads(data)
    except ValueError:
        return {"content_type": "application/octet-stream", "content": data}
    with open(os.environ["CALLS"], "a") as calls:
        calls.write("%s\n" % wish["n"])
    deed = wish.get("do") or ""
    if deed == "die":
        os._exit(3)
    elif deed == "raise":
        raise ValueError("no %s" % wish["n"])
    elif deed == "refuse":
        return {"status_code": 404, "content_type": "application/json", "content": {"message": "no cat"}}
    elif deed == "large":
        return {"content_type": "text/plain", "content": b"l" * 1000000}
    elif deed == "pause":
        # Until the test has seen that everyone has one.
        while os.path.exists(os.environ["GATE"]):
            time.sleep(0.005)
    elif deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(wish.get("s", 0)))
    return {"content_type": "application/json", "content": {"n": wish["n"]}}
