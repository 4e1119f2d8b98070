"""Does to its process, and returns, what no handler should; the request's JSON says which."""

import asyncio
import atexit
import builtins
import ctypes
import gc
import glob
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

LARGE = b"z" * 1000000


class Exit(SystemExit):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise SystemExit("no text")

    __repr__ = __str__


def raise_(error):
    raise error


def exit_in_thread():
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()


def exit_atexit():
    atexit.register(sys.exit, 3)
    os.kill(os.getpid(), signal.SIGTERM)


def overflow():
    sys.setrecursionlimit(1 << 30)

    def deeper(_):
        return sorted([0], key=deeper)

    deeper(0)


def lack_memory():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
    try:
        bytearray(1 << 32)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def close_all():
    os.closerange(3, 1000)


def close_really_all():
    os.closerange(0, 1000)


def close_standard_and_open():
    """What is opened next gets the descriptors 0 to 2."""
    os.closerange(0, 3)
    handler.kept = [open("/dev/null", "rb") for _ in range(3)]


def replace_channel():
    with open("/dev/null", "r+b") as null:
        for number in range(3, 1000):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    os.dup2(null.fileno(), number)
            except OSError:
                continue


def replace_low():
    with open("/dev/null", "r+b") as null:
        for number in range(3, 100):
            os.dup2(null.fileno(), number)


def clear_temporary():
    for path in glob.glob(os.environ["TMPDIR"] + "/abeja-runtime-spool-*"):
        shutil.rmtree(path)


class Broken:
    def write(self, text):
        raise OSError("no")

    flush = write


def replace_streams():
    sys.stdin, sys.stdout, sys.stderr = None, Broken(), 3


def flood(stream):
    for _ in range(20):
        stream.write("x" * 1000000)


def print_odd():
    os.write(1, b"\xff\xfe\x00 \x1b[31mred\x1b[0m \xe7\x8c\n\r\n\x00\n")


def replace_builtins():
    builtins.open = builtins.print = None
    builtins.len = lambda _: 3


def replace_open():
    builtins.open = None


def replace_os():
    os.write = os.fdopen = os.unlink = os.path.getsize = os.getpid = None


def replace_socket():
    class Other:
        def __init__(self, *args, **kwargs):
            raise OSError("no network here")

    socket.socket.sendall = socket.socket.recv = None
    socket.socket = socket.create_connection = Other


def replace_json():
    json.dumps = json.loads = json.JSONEncoder = json.JSONDecoder = None


def replace_tempfile():
    tempfile.mkstemp = None
    tempfile.tempdir = "/nonexistent"


def replace_threading():
    threading.Thread = threading.Lock = None
    threading.current_thread = lambda: None


def replace_modules():
    for name in ("json", "os", "socket", "tempfile", "traceback", "io"):
        sys.modules[name] = None
    sys.path[:] = []


def trace():
    def tracer(*args):
        raise RuntimeError("traced")

    threading.settrace(tracer)
    sys.settrace(tracer)
    sys.setprofile(tracer)


def lower_recursion_limit():
    sys.setrecursionlimit(40)


def limit_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    resource.setrlimit(resource.RLIMIT_NPROC, (1, resource.getrlimit(resource.RLIMIT_NPROC)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ignore_signals():
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))


def interrupt_later():
    """A signal's handler that raises when nothing of the user's runs any more."""
    signal.signal(signal.SIGALRM, lambda *args: raise_(RuntimeError("late")))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)


def die_later():
    threading.Timer(0.02, os._exit, [9]).start()


def fork_and(what):
    def fork():
        pid = os.fork()
        if pid == 0:
            what()
        else:
            os.waitpid(pid, 0)

    return fork


def fork_and_hold():
    if os.fork() == 0:
        time.sleep(600)
    os._exit(3)


def fork_and_answer_late():
    """The child returns from the handler after its parent has."""
    if os.fork() == 0:
        time.sleep(0.05)


def use_pool():
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        return {"content": str(sum(pool.map(abs, range(-10, 0))))}


def use_spawned():
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=os.getpid)
    process.start()
    process.join()
    return {"content": str(process.exitcode)}


def orphan():
    subprocess.Popen(["sleep", "600"], start_new_session=True, env={})
    os._exit(3)


def print_later():
    def later():
        time.sleep(0.05)
        print("later", flush=True)
        raise RuntimeError("in a thread")

    threading.Thread(target=later).start()


def leave_threads():
    """They never end, and the interpreter would wait for them."""
    for _ in range(3):
        threading.Thread(target=time.sleep, args=[600]).start()


def spin():
    def spinning():
        while True:
            pass

    threading.Thread(target=spinning, daemon=True).start()


def recursive():
    value = {}
    value["value"] = value
    return value


def first_then(what):
    yield "piece"
    time.sleep(0.1)  # what is held back goes out
    what()


def nothing_but(what):
    what()
    yield "never"


class Pieces:
    """Iterated as a whole, as lists are, but made while that goes on."""

    def __init__(self, pieces):
        self.pieces = pieces

    def __iter__(self):
        return iter(self.pieces)


def whole_that_fails():
    yield LARGE
    raise ValueError("in the middle of a file")


async def cancelled():
    raise asyncio.CancelledError


async def never():
    await asyncio.Event().wait()


async def stop_loop():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


async def leave_tasks():
    async def fail():
        raise RuntimeError("nobody looks")

    loop = asyncio.get_running_loop()
    handler.tasks = [loop.create_task(never()), loop.create_task(fail())]
    await asyncio.sleep(0)
    return {"content": "done"}


async def say_done():
    return {"content": "done"}


def close_loop():
    """The event loop that asynchronous handlers are run in, as far as one can get at it."""
    for loop in [value for value in gc.get_objects() if isinstance(value, asyncio.BaseEventLoop)]:
        loop.close()


async def pieces_then(what):
    yield "piece"
    await asyncio.sleep(0.1)
    what()


class Closing:
    """Its close() fails, as does that of a generator that ignores it."""

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def close(self):
        raise RuntimeError("not closed")


def delete_body(request):
    os.unlink(request["contents"][0]["body"].name)


def detach_body(request):
    request["contents"][0]["body"].detach()


def close_body(request):
    request.close()


LATE = RuntimeError("too late")

DEEDS = {
    "nothing": lambda: None,
    "large": lambda: {"content_type": "application/octet-stream", "content": LARGE},
    "very large": lambda: {"content_type": "application/octet-stream", "content": b"z" * 100000000},
    # Ends.
    "os._exit": lambda: os._exit(0),
    "abort": os.abort,
    "segv": lambda: ctypes.string_at(0),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGKILL to the group": lambda: os.killpg(0, signal.SIGKILL),
    "SIGINT": lambda: os.kill(os.getpid(), signal.SIGINT),
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "exit subclass": lambda: raise_(Exit("mine")),
    "exit with an object": lambda: sys.exit(DEEDS),
    "exit in a thread": exit_in_thread,
    "exit atexit": exit_atexit,
    "execv": lambda: os.execv("/bin/true", ["true"]),
    "overflow": overflow,
    "lack memory": lack_memory,
    "memory error": lambda: raise_(MemoryError()),
    "orphan": orphan,
    # Takes too long.
    "hold the GIL": lambda: sum(range(10**12)),
    "regex": lambda: re.match(r"(a|aa)+$", "a" * 100 + "b"),
    "sleep": lambda: time.sleep(600),
    # Descriptors.
    "close all": close_all,
    "close really all": close_really_all,
    "close standard": lambda: os.closerange(0, 3),
    "close standard and open": close_standard_and_open,
    "replace channel": replace_channel,
    "replace low": replace_low,
    # Streams and what is printed.
    "replace streams": replace_streams,
    "flood stdout": lambda: flood(sys.stdout),
    "flood stderr": lambda: flood(sys.stderr),
    "print odd": print_odd,
    # The process.
    "chdir": lambda: os.chdir("/"),
    "umask": lambda: os.umask(0o777) and None,
    "limit files": limit_files,
    "limit file size": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)),
    "ignore signals": ignore_signals,
    "interrupt later": interrupt_later,
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0.02) and None,
    "die later": die_later,
    "environ": os.environ.clear,
    "clear TMPDIR": clear_temporary,
    # The interpreter.
    "replace builtins": replace_builtins,
    "replace open": replace_open,
    "replace json": replace_json,
    "replace os": replace_os,
    "replace socket": replace_socket,
    "replace tempfile": replace_tempfile,
    "replace threading": replace_threading,
    "replace time": lambda: setattr(time, "time", None) or setattr(time, "monotonic", None),
    "replace modules": replace_modules,
    "gc": gc.disable,
    "freeze": lambda: gc.freeze() or gc.set_threshold(1),
    "lower recursion limit": lower_recursion_limit,
    "trace": trace,
    # Processes and threads.
    "fork, child returns": fork_and(lambda: None),
    "fork, child exits": fork_and(lambda: sys.exit(0)),
    "fork, child raises": fork_and(lambda: raise_(ValueError("child"))),
    "fork, child ends": fork_and(lambda: os._exit(1)),
    "fork, child answers late": fork_and_answer_late,
    "fork and die, child holds": fork_and_hold,
    "pool": use_pool,
    "spawn": use_spawned,
    "print later": print_later,
    "leave threads": leave_threads,
    "spin": spin,
    # Exceptions.
    "unprintable": lambda: raise_(Unprintable()),
    "huge text": lambda: raise_(ValueError("x" * 50000000)),
    "surrogates": lambda: raise_(ValueError("\ud800\udfff \x00\x1b[2J")),
    "group": lambda: raise_(BaseException(*range(1000))),
    "stop iteration": lambda: raise_(StopIteration("mine")),
    "blocking": lambda: raise_(BlockingIOError("mine")),
    "timeout": lambda: raise_(TimeoutError("mine")),
    "broken pipe": lambda: raise_(BrokenPipeError("mine")),
    "interrupted": lambda: raise_(InterruptedError("mine")),
    # Results.
    "return nothing": lambda: Ellipsis,
    "return int": lambda: 1,
    "return text": lambda: "text",
    "return object": object,
    "return list": lambda: [("content", "x")],
    "return class": lambda: dict,
    "content object": lambda: {"content": object()},
    "content recursive": lambda: {"content_type": "application/json", "content": recursive()},
    "content function": lambda: {"content": print},
    "content with a surrogate": lambda: {"content": "\ud800"},
    "content type empty": lambda: {"content_type": ""},
    "content type number": lambda: {"content_type": 5},
    "content type two lines": lambda: {"content_type": "text/plain\r\nx-evil: 1"},
    "content type surrogate": lambda: {"content_type": "text/\ud800"},
    "content type huge": lambda: {"content_type": "x" * 1000000},
    "status 0": lambda: {"status_code": 0},
    "status 99": lambda: {"status_code": 99},
    "status 100": lambda: {"status_code": 100},
    "status 1000": lambda: {"status_code": 1000},
    "status huge": lambda: {"status_code": 10**5000},
    "status -1": lambda: {"status_code": -1},
    "status text": lambda: {"status_code": "abc"},
    "status True": lambda: {"status_code": True},
    "status NaN": lambda: {"status_code": float("nan")},
    "status list": lambda: {"status_code": [200]},
    "metadata list": lambda: {"metadata": ["x"]},
    "metadata name CR": lambda: {"metadata": {"x-a\r\nx-b": "1"}},
    "metadata name empty": lambda: {"metadata": {"": "1"}},
    "metadata name colon": lambda: {"metadata": {"x:y": "1"}},
    "metadata name unicode": lambda: {"metadata": {"名前": "1"}},
    "metadata name object": lambda: {"metadata": {object(): "1"}},
    "metadata value LF": lambda: {"metadata": {"x-a": "1\n2"}},
    "metadata value NUL": lambda: {"metadata": {"x-a": "1\x002"}},
    "metadata value surrogate": lambda: {"metadata": {"x-a": "\udc80"}},
    "metadata value unprintable": lambda: {"metadata": {"x-a": Unprintable()}},
    "metadata huge": lambda: {"metadata": {"x-a": "h" * 1000000}},
    "metadata enormous": lambda: {"metadata": {"x-a": "h" * 10000000}},
    "metadata many": lambda: {"metadata": {"x-%d" % number: "1" for number in range(100000)}},
    "metadata framing": lambda: {"metadata": {"Content-Length": "9", "Transfer-Encoding": "x", "Connection": "x"}},
    # Pieces.
    "stream fails at once": lambda: {"content": nothing_but(lambda: raise_(LATE))},
    "stream exits at once": lambda: {"content": nothing_but(lambda: sys.exit(1))},
    "stream dies at once": lambda: {"content": nothing_but(lambda: os._exit(1))},
    "stream hangs at once": lambda: {"content": nothing_but(lambda: time.sleep(600))},
    "stream fails after a while": lambda: {"content": nothing_but(lambda: time.sleep(0.1) or raise_(LATE))},
    "stream fails": lambda: {"content": first_then(lambda: raise_(LATE))},
    "stream exits": lambda: {"content": first_then(lambda: sys.exit(1))},
    "stream dies": lambda: {"content": first_then(lambda: os._exit(1))},
    "stream hangs": lambda: {"content": first_then(lambda: time.sleep(600))},
    "stream closes all": lambda: {"content": first_then(close_all)},
    "stream forks": lambda: {"content": first_then(fork_and(lambda: None))},
    "stream of anything": lambda: {"content": iter(["x", 5.5, object()])},
    "stream of none": lambda: {"content": iter([None, None])},
    "stream that cannot be closed": lambda: {"content": Closing()},
    "stream of empty pieces": lambda: {"content": (b"" for _ in range(1000))},
    "stream with a bad status": lambda: {"status_code": 99, "content": first_then(lambda: None)},
    "whole fails": lambda: {"content": Pieces([b"x", object()])},
    "whole fails in a file": lambda: {"content": Pieces(whole_that_fails())},
    "whole dies in a file": lambda: {"content": Pieces(piece() for piece in (lambda: LARGE, lambda: os._exit(1)))},
    # Asynchronous.
    "async done": say_done,
    "async cancelled": cancelled,
    "async never": never,
    "async stops the loop": stop_loop,
    "async closes the loop": close_loop,
    "async leaves tasks": leave_tasks,
    "async stream fails": lambda: {"content": pieces_then(lambda: raise_(LATE))},
    "async stream hangs": lambda: {"content": pieces_then(lambda: time.sleep(600))},
}
BODY_DEEDS = {"delete body": delete_body, "detach body": detach_body, "close body": close_body}


decode = json.JSONDecoder().decode  # its own: a deed replaces those of the module


def handler(request, context):
    deed = decode(request.read().decode())
    if deed in BODY_DEEDS:
        BODY_DEEDS[deed](request)
        return {"content": "done"}
    result = DEEDS[deed]()
    if result is Ellipsis:
        return None
    if asyncio.iscoroutine(result):
        return result
    return {"content": "done"} if result is None else result


