"""Does what handlers should not do; the request's JSON says which."""

import atexit
import ctypes
import json
import os
import signal
import sys
import threading
import time


class Own(BaseException):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def flood():
    sys.stdout.write("x" * 3000000 + "\n")
    for number in range(20000):
        print("line", number)


def raise_(error):
    raise error


def fork():
    if os.fork() == 0:
        return
    os.wait()


def hold_open():
    """Leaves a child behind that keeps every descriptor."""
    if os.fork() == 0:
        time.sleep(600)


def flood_in_background():
    end = time.monotonic() + 2

    def write():
        while time.monotonic() < end:
            os.write(1, b"x" * 65535 + b"\n")

    threading.Thread(target=write, daemon=True).start()


def be_verbose():
    raise ValueError("x" * 20000000)


def say_bye():
    def bye():
        time.sleep(0.2)
        os.write(1, b"bye\n")

    atexit.register(bye)


DEEDS = {
    "nothing": lambda: None,
    "print": lambda: print("to stdout") or print("to stderr", file=sys.stderr) or os.write(1, b"raw\n"),
    "flood": flood,
    "flood in background": flood_in_background,
    "be verbose": be_verbose,
    "say bye": say_bye,
    "replace json": lambda: setattr(json, "dumps", None),
    "replace stdout": lambda: setattr(sys, "stdout", None),
    "chdir": lambda: os.chdir("/"),
    "close": lambda: os.closerange(0, 3),
    "close stdout": lambda: sys.stdout.close(),
    "environ": os.environ.clear,
    "umask": lambda: os.umask(0o777),
    "signals": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "sys.exit": lambda: sys.exit(3),
    "quit": lambda: sys.exit("some text"),
    "keyboard": lambda: raise_(KeyboardInterrupt()),
    "generator exit": lambda: raise_(GeneratorExit()),
    "own": lambda: raise_(Own("mine")),
    "unprintable": lambda: raise_(Unprintable()),
    "recursion": lambda: DEEDS["recursion"](),
    "connection": lambda: raise_(ConnectionResetError("the handler's own")),
    "eof": lambda: input(),
    "fork": fork,
    "hold open": hold_open,
    "os._exit": lambda: os._exit(7),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segv": lambda: ctypes.string_at(0),
    "sleep": lambda: print("busy") or time.sleep(600),
    "nap": lambda: print("busy") or time.sleep(1),
}


def handler(request, context):
    DEEDS[json.load(request)]()
    return {"content_type": "application/json", "content": {"pid": os.getpid(), "cwd": os.getcwd()}}
