"""Entry point of a front: ``python -P <this file> --channel FD --handover FD --parent PID``.

Started by the main process and by nothing else.
"""

import ctypes
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1
# The main process says when to end: Ctrl-C, and whoever signals every process of a service, mean it and not us.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the main process dies; end of file, which says so too, may be seen later."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def main(channel: int, handed_over: int, parent: int) -> None:
    """Be a front until the main process says otherwise or has gone."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent(parent)
    from abeja.runtime.fronts.front import run  # noqa: PLC0415 (it takes a while, and may be killed meanwhile)

    run(
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=channel),
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=handed_over),
    )


if __name__ == "__main__":
    arguments = dict(zip(sys.argv[1::2], map(int, sys.argv[2::2]), strict=True))
    main(arguments["--channel"], arguments["--handover"], arguments["--parent"])
