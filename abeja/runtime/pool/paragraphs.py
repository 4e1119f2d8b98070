"""Lines that belong together: a traceback is one record of the log, with the line that it explains."""

import re

from attrs import define, field, frozen

_BEGIN = re.compile(r"(?:Traceback \(most recent call last\):|  \+ Exception Group Traceback)")
# Between the tracebacks of exceptions that have caused each other.
_CHAIN = re.compile(
    r"(?:During handling of the above exception, another exception occurred:"
    r"|The above exception was the direct cause of the following exception:)"
)
# An exception that the traceback ends with, such as `ValueError: no` or `package.module.Error`.
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?::|$)")
# What stands above one: `logging.exception`, a thread that ends with one, a generator that is thrown away.
_HEADLINE = re.compile(r"ERROR|CRITICAL|Exception|exception|error")
# Nobody reads more, and a record is not to grow without end: in lines, and in characters.
LINES_LIMIT = 2000
SIZE_LIMIT = 256 * 1024


@frozen
class Paragraph:
    """What becomes one record.

    Attributes:
        message: its line, or the exception of a traceback that nothing stands above.
        traceback: its lines; empty for a plain line.
    """

    message: str
    traceback: str = ""

    @property
    def text(self) -> str:
        """All of its lines, as they came."""
        if self.traceback.endswith(self.message) or not self.traceback:
            return self.traceback or self.message
        return f"{self.message}\n{self.traceback}"


@define
class Paragraphs:
    """Puts the lines of one stream together.

    Attributes:
        is_open: whether something is kept that what follows may belong to.
    """

    _headline: str = ""
    _lines: list[str] = field(factory=list)
    _size: int = 0
    # Where the exception begins, once it has come.
    _exception_at: int | None = None
    _chain: list[str] = field(factory=list)

    @property
    def is_open(self) -> bool:
        """See above."""
        return bool(self._lines or self._headline)

    def add(self, line: str, *, is_same_write: bool = False) -> list[Paragraph]:
        """Take a line that may be empty; what is complete by now.

        Args:
            line: without its end.
            is_same_write: whether it was written together with the end of the line before it. So are the further lines
                of an exception's message, which nothing else tells from what is printed next.
        """
        done: list[Paragraph] = []
        if self._lines and self._belongs(line, is_same_write=is_same_write):
            return done
        if self._lines or (self._headline and not _BEGIN.match(line)):
            done = self.flush()
        if _BEGIN.match(line):
            self._lines, self._size = [line], len(line)
        elif _HEADLINE.search(line):
            self._headline = line
        elif line:
            done.append(Paragraph(line))
        return done

    def flush(self) -> list[Paragraph]:
        """There is no more for now: what there is, is complete."""
        headline, lines = self._headline, self._lines
        exception = lines[-1:] if self._exception_at is None else lines[self._exception_at :]
        self._headline, self._lines, self._chain, self._exception_at = "", [], [], None
        if lines:
            return [Paragraph(headline or "\n".join(exception), "\n".join(lines))]
        return [Paragraph(headline)] if headline else []

    def _belongs(self, line: str, *, is_same_write: bool) -> bool:
        """Whether it is a part of the traceback; if so, it has been taken."""
        self._size += len(line)
        if len(self._lines) >= LINES_LIMIT or self._size > SIZE_LIMIT:
            return False
        if self._exception_at is not None:
            # Its message may go on, and another traceback may follow, after an empty line and the words in between.
            if not line or _CHAIN.match(line):
                self._chain.append(line)
                return True
            is_next = bool(self._chain) and _BEGIN.match(line) is not None
            if not is_next and not is_same_write:
                return False
            self._lines += self._chain
            self._chain = []
            if is_next:
                self._exception_at = None
        elif not line.startswith((" ", "\t")) and line:
            if not _EXCEPTION.match(line):
                return False
            self._exception_at = len(self._lines)
        self._lines.append(line)
        return True
