"""Entry point: ``python <this folder> --fd N --inbox N --parent PID``, started by the server and by nothing else.

Exit codes: 0 after end of file; 4 when the handler could not be loaded (the reason is in the
`failed` frame).
"""

import faulthandler
import importlib
import importlib.util
import os
import signal
import socket
import sys
from typing import Any

_PACKAGE = "_abeja_worker"
_FOLDER = os.path.dirname(os.path.realpath(__file__))
_PR_SET_PDEATHSIG = 1


def _import_siblings() -> Any:
    location = os.path.join(_FOLDER, "__init__.py")
    spec = importlib.util.spec_from_file_location(_PACKAGE, location, submodule_search_locations=[_FOLDER])
    if spec is None or spec.loader is None:
        raise ImportError(location)
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    return importlib.import_module


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL when the server dies, however busy the handler is then."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return  # without ctypes or prctl, end of file on the socket still ends an idle worker
    if os.getppid() != parent_pid:
        os._exit(0)


def main(fd: int, inbox_fd: int, parent_pid: int) -> int:
    """Serve until the server closes the socket. Returns the exit code."""
    _die_with_parent(parent_pid)
    faulthandler.enable()
    # What user code prints can never reach the protocol, and both streams keep one order in the log.
    os.dup2(2, 1)
    load = _import_siblings()
    moved = load(_PACKAGE + ".high_descriptor").moved
    channel = load(_PACKAGE + ".channel").Channel(
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=moved(fd))
    )
    inbox = load(_PACKAGE + ".inbox").Inbox(
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=moved(inbox_fd))
    )
    load(_PACKAGE + ".session")
    frame = channel.receive()
    if frame is None:
        return 0
    init = frame[0]
    # Before the user's folder is on the path, where a file may be named as a module that is needed. Threads are only
    # for those who ask for them.
    session = load(_PACKAGE + (".concurrent_session" if init["concurrency"] > 1 else ".session"))
    model_dir = init["model_dir"]
    # The user's folder takes the place of ours, so that nothing of ours is importable by accident;
    # and, as the original did, modules are found in whatever the current folder is.
    sys.path[:] = [model_dir, ""] + [path for path in sys.path if os.path.realpath(path) != _FOLDER]
    sys.argv = ["abeja-runtime-worker"]
    return int(session.run(channel, inbox, init))


if __name__ == "__main__":
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    sys.exit(main(int(arguments["--fd"]), int(arguments["--inbox"]), int(arguments["--parent"])))
