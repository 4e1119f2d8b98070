"""Descriptors of ours, out of the way of user code and its children."""

import fcntl
import os

# Above what programs use by hand (`exec 3<`, dup2 on 0..9), below what RLIMIT_NOFILE commonly allows.
_FIRST = 200
_FIRST_IF_FEW = 10


def moved(fd: int) -> int:
    """The same file on a high descriptor that programs which are executed do not get; `fd` is closed."""
    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    except OSError:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_IF_FEW)
    os.close(fd)
    return high
