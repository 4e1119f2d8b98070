"""Handlers that show what runs at once; the path says what to do."""

import asyncio
import logging
import os
import sys
import threading
import time

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")

PARTY = int(os.environ.get("PARTY", "4"))
BARRIER = threading.Barrier(PARTY)


def meet(request):
    """Returns when as many requests as PARTY are in it."""
    BARRIER.wait(15)
    return here()


def here():
    thread = threading.current_thread()
    return {
        "pid": os.getpid(),
        "thread": thread.name,
        "is_main": thread is threading.main_thread(),
        "is_daemon": thread.daemon,
        "threads": threading.active_count(),
    }


def echo(request):
    return request.read()


def stream(request):
    body = request.read()
    return (body[start : start + 1000] for start in range(0, len(body), 1000))


def endless(request):
    """Never ends by itself."""
    try:
        while True:
            yield b"x" * 60000
    finally:
        print("given up", request["query"])


def drips(request):
    for number in range(20):
        time.sleep(0.02)
        yield b"%d" % number


def one_large_piece(request):
    return iter([b"y" * 8000000])


def many_pieces(request):
    return (b"y" * 50000 for _ in range(200))


def sleep(request):
    print("asleep")
    time.sleep(600)


def nap(request):
    time.sleep(0.3)
    return here()


def fork(request):
    if os.fork() == 0:
        return {"child": True}
    os.wait()
    return here()


def leave(request):
    sys.exit(3)


def interrupt(request):
    """A signal, whose handler raises KeyboardInterrupt in the main thread."""
    os.kill(os.getpid(), 2)
    time.sleep(0.1)
    return here()


def speak(request):
    """Says the query in all ways, while others do the same."""
    word = request["query"]
    for _ in range(20):
        print("print", word, "end")
        logging.info("log %s end", word)
        sys.stderr.write("error " + word)
        time.sleep(0.001)
        sys.stderr.write(" end\n")
    print("long " + "é" * 5000, word, "end")
    os.write(1, b"raw\n")
    print("unfinished", word, end="")
    return streams()


def streams():
    out = sys.stdout
    assert out.write("") == 0 and out.fileno() == 1 and not out.isatty() and out.encoding and out.name == "<stdout>"
    out.buffer.flush()
    return {"written": out.write("four\n")}


DEEDS = {
    "/" + function.__name__: function
    for function in (meet, echo, stream, endless, drips, one_large_piece, many_pieces, sleep, nap, fork, leave, interrupt, speak)
}
DEEDS["/here"] = lambda request: here()


def handler(request, context):
    content = DEEDS[request["path"]](request)
    is_json = isinstance(content, dict)
    return {"content_type": "application/json" if is_json else "application/octet-stream", "content": content}


class Party(object):
    """Who waits for the others, on the loop of the first who came."""

    def __init__(self):
        self.loops = set()
        self.count = 0
        self.complete = None

    async def join(self):
        self.loops.add(id(asyncio.get_event_loop()))
        self.complete = self.complete or asyncio.Event()
        self.count += 1
        if self.count == PARTY:
            self.complete.set()
        await asyncio.wait_for(self.complete.wait(), 15)


MEETING = Party()
STREAMS = Party()


async def meet_on_the_loop(request):
    await MEETING.join()
    print("met", request["query"])
    await asyncio.sleep(0)
    return dict(here(), loops=len(MEETING.loops))


async def stream_together(request):
    yield b"first "
    await STREAMS.join()
    yield b"second"


async def leave_the_loop(request):
    await asyncio.sleep(0)
    sys.exit(3)


async def interrupt_the_loop(request):
    await asyncio.sleep(0)
    os.kill(os.getpid(), 2)
    await asyncio.sleep(5)


async def fork_on_the_loop(request):
    if os.fork() == 0:
        return {"child": True}
    os.wait()
    return here()


async def run_a_program(request):
    process = await asyncio.create_subprocess_exec("true")
    return {"code": await process.wait()}


async def asynchronous(request, context):
    path = request["path"]
    if path == "/stream":
        return {"content_type": "application/octet-stream", "content": stream_together(request)}
    deeds = {
        "/meet": meet_on_the_loop,
        "/leave": leave_the_loop,
        "/interrupt": interrupt_the_loop,
        "/fork": fork_on_the_loop,
        "/program": run_a_program,
    }
    return {"content_type": "application/json", "content": await deeds[path](request)}
