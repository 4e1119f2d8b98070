"""The descriptors 0 to 2, as whoever started the program has left them: closed, or leading to a full disk."""

import io
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from abeja.runtime.errors import OutputFailedError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDIN, _STDOUT, _STDERR = range(3)


def settle() -> None:
    """Open those that are closed on the null device, and have stdout say by name what it cannot write.

    Otherwise the next file or socket would get the number, and with it what is written to stderr. stdin and stdout
    stay None where they were closed: that there is no input, or no place for a result, is an error of those who need
    it.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        _open_if_closed(number)
    if sys.stderr is None:
        sys.stderr = open(_STDERR, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 (it stays open)
    stdout = sys.__stdout__
    # Another stream is that of whoever calls the program as a function.
    if stdout is not None and stdout is sys.stdout:
        sys.stdout = _named(stdout)


def abandon_stdout() -> None:
    """What the interpreter would still flush has nowhere to go."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, _STDOUT)
    os.close(null)


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        # The system gives the lowest number that is free, and those below are open by now.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 (its only argument)


def _named(stdout: TextIO) -> io.TextIOWrapper:
    """A stream like stdout."""
    raw = _Stdout(_STDOUT, "w", closefd=False)
    # With PYTHONUNBUFFERED, what is printed is there at once.
    is_unbuffered = isinstance(stdout, io.TextIOWrapper) and stdout.write_through
    return io.TextIOWrapper(
        cast("BinaryIO", raw) if is_unbuffered else io.BufferedWriter(raw),
        encoding=stdout.encoding,
        errors=stdout.errors,
        line_buffering=stdout.isatty(),
        write_through=is_unbuffered,
    )


class _Stdout(io.FileIO):
    """Writes to stdout.

    Raises:
        OutputFailedError: that is not possible, and will not be later.
        BrokenPipeError: its reader has gone.
    """

    def write(self, data: "ReadableBuffer", /) -> int:
        if not memoryview(data).nbytes:
            return 0  # click tries whether it may write bytes, and does not want to know why not
        try:
            return super().write(data)
        except OSError as error:
            abandon_stdout()
            if isinstance(error, BrokenPipeError):
                raise
            raise OutputFailedError(f"the output cannot be written to stdout: {error.strerror}.") from error
